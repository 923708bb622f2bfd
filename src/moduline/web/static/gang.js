// The wall of slots: draws what the server says has changed, and turns keys and scanners into three events.
// Cells are made once; afterwards only texts, one attribute and one transform change, each inside its own cell.
(() => {
  const HOLD_MS = 1200, SHAPE = 2.1, GAP = 10, LEAST = 132, SOUND = "moduline.sound";
  const cells = new Map();
  let order = [], chosen = "", hold = null, audio = null;
  const byId = (id) => document.getElementById(id);
  const make = (tag, name, parent) => { const one = document.createElement(tag); one.className = name; parent.append(one); return one; };
  const put = (node, text) => { if (node.firstChild) node.firstChild.nodeValue = text; else node.append(document.createTextNode(text)); };

  // ---- the wall ---------------------------------------------------------------------------------------------------
  const layOut = () => {
    const wall = byId("g-wall");
    if (!wall || !order.length) return;
    const { width, height } = wall.getBoundingClientRect(), count = order.length;
    let best = 1, found = -1;
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns), cell = width / columns, tall = height / rows;
      const fill = columns * rows === count ? 1 : 0.75;
      const score = Math.min(cell / SHAPE, tall) * fill;
      if (score > found + 0.01) { found = score; best = columns; }
    }
    if (matchMedia("(max-width: 640px)").matches) best = 1;
    const rows = Math.ceil(count / best);
    wall.style.setProperty("--columns", best);
    wall.style.setProperty("--rows", rows);
    wall.style.setProperty("--cw", `${(width - GAP * (best - 1)) / best - 28}px`);
    wall.style.setProperty("--ch", `${Math.max((height - GAP * (rows - 1)) / rows, LEAST) - 22}px`);
  };

  const makeCell = (name) => {
    const box = document.createElement("button");
    box.type = "button"; box.className = "g-cell"; box.dataset.slot = name; box.dataset.testid = `slot-${name}`;
    box.tabIndex = -1;
    const head = make("span", "g-cell-head", box);
    const parts = { box, icon: make("i", "material-icons g-icon", head), name: make("span", "g-name", head) };
    parts.icon.ariaHidden = "true";
    put(parts.name, name);
    parts.n = make("span", "g-try", head); parts.m = make("span", "g-imei", head);
    parts.w = make("span", "g-word", box); parts.u = make("span", "g-under", box);
    const bar = make("span", "g-bar", box);
    parts.bar = bar; parts.fill = make("span", "g-fill", bar); parts.p = make("span", "g-percent", bar);
    parts.line = make("span", "g-line", box); parts.h = make("span", "g-hand", box);
    parts.now = { s: "", e: "" };
    box.addEventListener("click", () => { choose(name); emitEvent("gang_slot", name); });
    return parts;
  };

  const setOrder = (names) => {
    const wall = byId("g-wall");
    order = names;
    for (const [name, cell] of cells) if (!names.includes(name)) { cell.box.remove(); cells.delete(name); }
    names.forEach((name) => {
      if (!cells.has(name)) cells.set(name, makeCell(name));
      wall.append(cells.get(name).box);
    });
    wall.dataset.count = names.length;
    if (!names.includes(chosen)) choose(names[0] || "");
    layOut();
  };

  const setSlot = (name, fresh) => {
    const cell = cells.get(name);
    if (!cell) return;
    if ("k" in fresh) { if (cell.box.dataset.k) ring(fresh.k); cell.box.dataset.k = fresh.k; }
    if ("i" in fresh) put(cell.icon, fresh.i);
    if ("w" in fresh) { put(cell.w, fresh.w); cell.w.style.setProperty("--letters", Math.max(width(fresh.w), 2.6)); }
    if ("u" in fresh) put(cell.u, fresh.u);
    if ("m" in fresh) put(cell.m, fresh.m ? `…${fresh.m}` : "");
    if ("n" in fresh) put(cell.n, fresh.n ? `#${fresh.n}` : "");
    if ("h" in fresh) put(cell.h, fresh.h);
    if ("p" in fresh) {
      cell.bar.hidden = fresh.p < 0;
      if (fresh.p >= 0) { cell.fill.style.transform = `scaleX(${fresh.p / 100})`; put(cell.p, `${fresh.p} %`); }
    }
    if ("s" in fresh || "e" in fresh) { Object.assign(cell.now, fresh); put(cell.line, cell.now.e || cell.now.s); }
  };
  const width = (word) => [...word].reduce((sum, one) => sum + (one.codePointAt(0) > 0x2e80 ? 1.05 : 0.72), 0);

  const setTop = (top) => {
    for (const [name, value] of Object.entries(top)) {
      if (name === "act") byId("g-say").dataset.act = value;
      else { const node = byId(name === "say" ? "g-say-text" : `g-${name}`); if (node) put(node, String(value)); }
    }
  };

  const take = (told) => {
    if (told.order) setOrder(told.order);
    if (told.slots) for (const name in told.slots) setSlot(name, told.slots[name]);
    if (told.top) setTop(told.top);
  };

  const choose = (name) => {
    cells.get(chosen)?.box.removeAttribute("aria-current");
    chosen = name;
    cells.get(chosen)?.box.setAttribute("aria-current", "true");
    cells.forEach((cell, one) => { cell.box.tabIndex = one === name ? 0 : -1; });
  };

  const move = (columns, rows) => {
    const across = Number(getComputedStyle(byId("g-wall")).getPropertyValue("--columns")) || 1;
    const wanted = order.indexOf(chosen) + columns + rows * across;
    if (wanted >= 0 && wanted < order.length) { choose(order[wanted]); cells.get(chosen).box.scrollIntoView({ block: "nearest" }); }
  };

  // ---- sound ------------------------------------------------------------------------------------------------------
  const TONES = { pass: [[880, 0, 0.12], [1320, 0.12, 0.16]], fail: [[220, 0, 0.25], [180, 0.28, 0.35]], refused: [[330, 0, 0.3]],
    again: [[220, 0, 0.25], [180, 0.28, 0.35]], error: [[180, 0, 0.6]], call: [[660, 0, 0.1], [660, 0.15, 0.1], [660, 0.3, 0.1]] };
  const isLoud = () => localStorage.getItem(SOUND) === "on";
  const ring = (kind) => {
    if (!isLoud() || !TONES[kind]) return;
    audio ??= new AudioContext();
    for (const [pitch, at, long] of TONES[kind]) {
      const tone = audio.createOscillator(), gain = audio.createGain();
      tone.frequency.value = pitch; gain.gain.value = 0.15; tone.connect(gain).connect(audio.destination);
      tone.start(audio.currentTime + at); tone.stop(audio.currentTime + at + long);
    }
  };
  const showSound = () => { const button = byId("g-sound"); if (button) button.setAttribute("aria-pressed", String(isLoud())); };
  const toggleSound = () => { localStorage.setItem(SOUND, isLoud() ? "off" : "on"); showSound(); ring("pass"); };

  // ---- keys and scanners ------------------------------------------------------------------------------------------
  const isEditable = (node) => node && node !== byId("g-scan") && (node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName));
  const isRunning = () => document.querySelector(".g-page")?.dataset.mode === "run";
  const endHold = () => { if (hold) { clearTimeout(hold.timer); hold = null; } const shown = byId("g-hold"); if (shown) shown.hidden = true; };
  const beginHold = (key, act) => {
    if (hold) return;
    const shown = byId("g-hold");
    shown.hidden = false; shown.dataset.act = act;
    shown.classList.remove("g-filling"); void shown.offsetWidth; shown.classList.add("g-filling");
    hold = { key, timer: setTimeout(() => { endHold(); emitEvent("gang_key", act); }, HOLD_MS) };
  };
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  const pressed = (event) => {
    const scan = byId("g-scan"), target = event.target, hasWall = Boolean(byId("g-wall"));
    if (!scan || document.querySelector(".q-dialog")) return;
    if (!hasWall && !(event.key === "Enter" && target === scan) && event.key.length > 1) return;
    if (event.key === "F8" || event.key === "F9") {
      event.preventDefault();
      if (event.repeat) return;
      if (isRunning()) beginHold(event.key, event.key === "F8" ? "stop" : "abort");
      else if (event.key === "F8") emitEvent("gang_key", "start");
    } else if (event.key === "F4" || event.key === "F6") {
      event.preventDefault();
      if (event.repeat) return;
      if (event.key === "F6") toggleSound(); else emitEvent("gang_label", chosen);
    } else if (event.key === "F2") {
      event.preventDefault(); document.querySelector(".g-setup input")?.focus();
    } else if (ARROWS[event.key] && !isEditable(target) && !(target === scan && scan.value)) {
      event.preventDefault(); move(...ARROWS[event.key]);
    } else if (event.key === "Enter" && target === scan) {
      event.preventDefault();
      const text = scan.value.trim(); scan.value = "";
      if (text) emitEvent(scan.dataset.event || "gang_scan", text); else if (chosen) emitEvent("gang_slot", chosen);
    } else if (event.key === "Enter" && target === document.body && chosen) emitEvent("gang_slot", chosen);
    else if (event.key === "Enter" && isEditable(target) && target.closest(".g-setup")) {
      const inputs = [...document.querySelectorAll(".g-setup input:not([type=hidden]), .g-setup button.g-start")].filter((one) => one.offsetParent);
      inputs[inputs.indexOf(target) + 1]?.focus();
    } else if (event.key === "Escape" && target === scan) scan.value = "";
    else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey && !isEditable(target)) scan.focus();
  };

  addEventListener("keydown", pressed);
  addEventListener("keyup", (event) => { if (hold && event.key === hold.key) endHold(); });
  addEventListener("blur", endHold);
  const drain = () => { const queue = window.stationQueue || []; while (queue.length && byId("g-wall")) take(queue.shift()); };
  window.station = { drain, toggleSound };
  const waiting = setInterval(() => {
    if (!byId("g-scan")) return;
    clearInterval(waiting);
    if (byId("g-wall")) new ResizeObserver(layOut).observe(byId("g-wall"));
    if (!document.activeElement || document.activeElement === document.body) byId("g-scan").focus({ preventScroll: true });
    showSound(); drain();
  }, 30);
})();
