// What the file manager does in the browser itself: dragging rows, taking files and folders from the operating system,
// sending what the page has agreed to, arrow keys in a list, and a warning before unsaved text is lost.
(() => {
  const TYPE = "application/x-moduline-files";
  const waiting = new Map();
  const pane = (event) => event.target.closest?.("[data-pane]");
  const rowsOf = (box) => [...box.querySelectorAll("tr[data-path]")];
  const clean = () => document.querySelectorAll(".files-over").forEach((one) => one.classList.remove("files-over"));

  addEventListener("dragstart", (event) => {
    const row = event.target.closest?.("tr[data-path]");
    const box = pane(event);
    if (!row || !box) return;
    const chosen = rowsOf(box).filter((one) => one.dataset.chosen === "1");
    const rows = chosen.includes(row) ? chosen : [row];
    event.dataTransfer.setData(TYPE, JSON.stringify({ from: box.dataset.pane, paths: rows.map((one) => one.dataset.path) }));
    event.dataTransfer.effectAllowed = "copyMove";
  });
  addEventListener("dragover", (event) => {
    const box = pane(event);
    if (!box) return;
    event.preventDefault();
    clean();
    (event.target.closest("tr[data-folder='1']") || box).classList.add("files-over");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) clean(); });
  addEventListener("drop", async (event) => {
    const box = pane(event);
    clean();
    if (!box) return;
    event.preventDefault();
    const row = event.target.closest("tr[data-folder='1']");
    const to = { to: box.dataset.pane, folder: row ? row.dataset.path : box.dataset.at };
    const own = event.dataTransfer.getData(TYPE);
    if (own) { emitEvent("files_drop", { ...JSON.parse(own), ...to }); return; }
    const entries = [...event.dataTransfer.items].map((one) => one.webkitGetAsEntry?.()).filter(Boolean);
    const found = [];
    for (const entry of entries) await collect(entry, "", found);
    offer(found, to);
  });

  async function collect(entry, above, found) {
    const path = above + entry.name;
    if (entry.isFile) {
      found.push({ path, file: await new Promise((done, fail) => entry.file(done, fail)) });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return;
      for (const one of some) await collect(one, `${path}/`, found);
    }
  }
  function offer(found, to) {
    const batch = [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
    waiting.set(batch, found);
    emitEvent("files_bring", { ...to, batch, items: found.map((one) => ({ path: one.path, size: one.file.size })) });
  }

  addEventListener("keydown", (event) => {
    const box = pane(event);
    if (!box || event.target.closest("input, [contenteditable]")) return;
    const names = [...box.querySelectorAll(".files-name")];
    const at = names.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && names.length) {
      event.preventDefault();
      names[Math.max(0, Math.min(names.length - 1, at + step))].focus();
    } else if (event.key === "Backspace") {
      event.preventDefault();
      box.querySelector("[data-act='up']")?.click();
    } else if (event.key === " " && at >= 0) {
      event.preventDefault();
      names[at].closest("tr").querySelector("[role='checkbox']")?.click();
    } else if (event.key === "Delete") {
      event.preventDefault();
      box.querySelector("[data-act='remove']")?.click();
    }
  });

  let dirty = false;
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

  window.moduFiles = {
    dirty(now) { dirty = now; },
    drop(batch) { waiting.delete(batch); },
    pick(to, folder, whole) {
      const input = document.createElement("input");
      input.type = "file";
      input.multiple = true;
      input.webkitdirectory = whole;
      input.addEventListener("change", () => {
        const found = [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
        if (found.length) offer(found, { to, folder });
      });
      input.click();
    },
    async send(batch) {
      const found = waiting.get(batch) || [];
      waiting.delete(batch);
      for (const [at, one] of found.entries()) {
        const answer = await fetch(`/studio/files/bring/${batch}?at=${at}`, { method: "POST", body: one.file }).catch(() => null);
        if (!answer?.ok) return;
      }
    },
  };
})();
