// A terminal in the page: it fills its box, wears the page's colours, finds words, and gives a few keys back to the page.
window.mTerminal = (() => {
  const known = new Map();
  const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const theme = () => ({
    background: colour("--surface"), foreground: colour("--ink"), cursor: colour("--accent"), cursorAccent: colour("--surface"),
    selectionBackground: colour("--accent"), selectionForeground: colour("--accent-ink"),
    red: colour("--bad"), green: colour("--good"), yellow: colour("--warn"), blue: colour("--info"), cyan: colour("--accent"),
    brightBlack: colour("--muted"), white: colour("--ink"),
  });
  const tell = (key) => emitEvent("terminal_key", key);
  const keys = (terminal) => (event) => {
    if (event.type !== "keydown") return true;
    const only = event.ctrlKey && !event.altKey && !event.metaKey;
    const letter = event.key.toLowerCase();
    if (event.key === "Tab" && event.shiftKey) return false;
    if (only && !event.shiftKey && letter === "r") { event.preventDefault(); tell("history"); return false; }
    if (only && !event.shiftKey && letter === "f") { event.preventDefault(); tell("search"); return false; }
    if (only && letter === "v") return false;
    if (only && letter === "c" && terminal.hasSelection()) {
      navigator.clipboard?.writeText(terminal.getSelection());
      terminal.clearSelection();
      return false;
    }
    return true;
  };
  const setup = (id) => {
    const part = getElement(id);
    if (!part?.terminal || known.has(id)) return;
    const terminal = part.terminal;
    known.set(id, { at: -1, word: "" });
    const dress = () => { terminal.options.theme = theme(); };
    dress();
    new MutationObserver(dress).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    new ResizeObserver(() => part.fit()).observe(part.$el);
    terminal.attachCustomKeyEventHandler(keys(terminal));
    terminal.textarea.setAttribute("aria-label", part.$el.getAttribute("aria-label"));
    part.fit();
    if (matchMedia("(pointer: fine)").matches) terminal.focus();
  };
  // every place where a word stands, lines that were wrapped taken together
  const places = (terminal, word) => {
    const found = [], buffer = terminal.buffer.active, wanted = word.toLowerCase();
    for (let row = 0; row < buffer.length; row++) {
      if (buffer.getLine(row).isWrapped) continue;
      let text = "", cells = [];
      for (let below = row; below < buffer.length && (below === row || buffer.getLine(below).isWrapped); below++) {
        const line = buffer.getLine(below);
        for (let column = 0; column < terminal.cols; column++) {
          const cell = line.getCell(column);
          if (!cell || cell.getWidth() === 0) continue;
          const letters = cell.getChars() || " ";
          for (const _ of letters) cells.push([below, column, cell.getWidth()]);
          text += letters;
        }
      }
      const lower = text.toLowerCase();
      for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + 1)) {
        const [startRow, startColumn] = cells[at];
        const [endRow, endColumn, width] = cells[at + wanted.length - 1];
        found.push([startColumn, startRow, (endRow - startRow) * terminal.cols + endColumn + width - startColumn]);
      }
    }
    return found;
  };
  const find = (id, word, step) => {
    const terminal = getElement(id)?.terminal, state = known.get(id);
    if (!terminal || !state) return null;
    const found = places(terminal, word);
    if (!found.length) { terminal.clearSelection(); return { at: 0, count: 0 }; }
    if (state.word !== word) { state.word = word; state.at = step > 0 ? -1 : 0; }
    state.at = (state.at + step + found.length) % found.length;
    const [column, row, length] = found[state.at];
    terminal.select(column, row, length);
    terminal.scrollToLine(Math.max(0, row - Math.floor(terminal.rows / 2)));
    return { at: state.at + 1, count: found.length };
  };
  // what stands on the screen and above it, for those who test
  const text = (id) => {
    const buffer = getElement(id).terminal.buffer.active, lines = [];
    for (let row = 0; row < buffer.length; row++) {
      const line = buffer.getLine(row);
      const said = line.translateToString(true);
      if (line.isWrapped) lines[lines.length - 1] += said; else lines.push(said);
    }
    return lines.join("\n");
  };
  return { setup, find, text };
})();
