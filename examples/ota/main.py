# The sample of the vendor's OTA page, with the import it lacks: accept every plan, say how it ended.
# The key and the secret are the sample's; `moduline ota product create` takes them, or draws others.
import Qth


def App_otaPlanCb(plans):
    print("otaPlan:", plans)
    Qth.otaAction(1)


def App_fotaResultCb(comp_no, result):
    print("fotaResult:", comp_no, result)


if __name__ == "__main__":
    Qth.init()
    Qth.setProductInfo("p111xt", "V2VUei9ZVWt2SnpL")
    eventOtaCb = {"otaPlan": App_otaPlanCb, "fotaResult": App_fotaResultCb}
    eventCb = {"ota": eventOtaCb}
    Qth.setEventCb(eventCb)
    Qth.start()
