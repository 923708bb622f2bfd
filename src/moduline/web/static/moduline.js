// What the frame does in the browser itself: words of a lost connection, and what happened while it was away.
(() => {
  const facts = window.moduline;
  const key = "moduline.boot";
  const words = (id, texts) => {
    const spans = document.querySelectorAll(`#${id} span`);
    texts.forEach((text, at) => { if (spans[at]) spans[at].textContent = text; });
    document.getElementById(id)?.setAttribute("role", "alert");
  };
  const tell = () => {
    words("popup", [facts.texts.lost, facts.texts.coming_back]);
    words("too_long_message_popup", [facts.texts.too_long, facts.texts.too_long_body]);
  };
  const restarted = () => {
    const banner = document.getElementById("m-restarted");
    if (!banner) return false;
    const before = localStorage.getItem(key);
    localStorage.setItem(key, facts.boot);
    if (before && before !== facts.boot) banner.hidden = false;
    banner.querySelector(".m-banner-close")?.addEventListener("click", () => { banner.hidden = true; });
    return true;
  };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;  // times are shown on the viewer's own wall clock
  if (zone) document.cookie = `moduline_zone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=strict`;
  const start = () => {
    tell();
    if (restarted()) return;
    const watch = new MutationObserver(() => { if (restarted()) watch.disconnect(); });
    watch.observe(document.body, { childList: true, subtree: true });
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start); else start();
})();
