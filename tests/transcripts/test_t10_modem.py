"""T10, T11: the modem module at the prompt and in a script.  Source: seed 1; device-api 9.1, 14.2."""

from transcripts.board import Board, run

HELP = """\
object <module 'modem'> is of type module
  __name__ -- modem
  getDevSN -- <function>
  getDevImei -- <function>
  getDevModel -- <function>
  getDevFwVersion -- <function>
  getDevProductId -- <function>
"""

MODEM_FILE = """\
import modem
import log

state = 1
log.basicConfig(level=log.INFO)   # 设置日志输出级别

log = log.getLogger("QuecPython")

def modem_msg():
    global state
    modem_Imei = modem.getDevImei()
    modem_DevModel = modem.getDevModel()
    modem_DevSN = modem.getDevSN()
    modem_DevFwVersion = modem.getDevFwVersion()
    modem_DevProductId = modem.getDevProductId()
    log.info("modem_Imei:{}".format(modem_Imei))
    log.info("modem_DevModel:{}".format(modem_DevModel))
    log.info("modem_DevSN:{}".format(modem_DevSN))
    log.info("modem_DevFwVersion:{}".format(modem_DevFwVersion))
    log.info("modem_DevProductId:{}".format(modem_DevProductId))
    state = 0

if __name__ == "__main__":
    modem_msg()
    while 1:
        if state:
            pass
        else:
            break
"""


def test_t10_modem_at_the_prompt_says_what_the_seed_shows():
    async def story():
        async with Board() as board:
            await board.prompt()
            ask = board.client.ask
            assert await ask("import modem") == ""
            assert await ask("help(modem)") == HELP
            assert await ask("from modem import *") == ""
            assert await ask("getDevSN()") == "'D1D20J60A0017870P'\n"
            assert await ask("getDevImei()") == "'868540050393723'\n"
            assert await ask("getDevModel()") == "'EC600S'\n"
            assert await ask("getDevFwVersion()") == "'EC600SCNAAR01A01M16_OCPU_PY_BETA1211'\n"
            assert await ask("getDevProductId()") == "'Quectel'\n"

    run(story)


def test_t11_modem_script_when_run_as_a_file_logs_five_lines_and_ends():
    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.raw(f"f = open('/usr/modem_file.py', 'w')\nf.write({MODEM_FILE!r})\nf.close()")
            assert await board.client.ask("import example") == ""
            assert await board.client.ask("example.exec('usr/modem_file.py')") == (
                "INFO:QuecPython:modem_Imei:868540050393723\n"
                "INFO:QuecPython:modem_DevModel:EC600S\n"
                "INFO:QuecPython:modem_DevSN:D1D20J60A0017870P\n"
                "INFO:QuecPython:modem_DevFwVersion:EC600SCNAAR01A01M16_OCPU_PY_BETA1211\n"
                "INFO:QuecPython:modem_DevProductId:Quectel\n"
            )

    run(story)
