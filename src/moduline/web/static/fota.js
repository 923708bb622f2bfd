// The cursor on the picture of power cuts: arrow keys and the pointer choose a mark, the line below says what happened.
(() => {
  const choose = (field, at) => {
    const marks = field.children;
    const next = Math.max(0, Math.min(marks.length - 1, at));
    field.querySelector(".fp-here")?.classList.remove("fp-here");
    const mark = marks[next];
    mark.classList.add("fp-here");
    field.dataset.at = next;
    field.setAttribute("aria-valuenow", next + 1);
    field.setAttribute("aria-valuetext", mark.dataset.t);
    const told = field.nextElementSibling;
    if (told) told.textContent = mark.dataset.t;
  };
  const row = (field) => {
    const top = field.children[0].offsetTop;
    let count = 0;
    while (count < field.children.length && field.children[count].offsetTop === top) count += 1;
    return count;
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.(".fp-field");
    if (!field) return;
    const at = Number(field.dataset.at ?? -1);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row(field), ArrowUp: -row(field), PageDown: 50, PageUp: -50 };
    const to = event.key === "Home" ? 0 : event.key === "End" ? field.children.length - 1
      : event.key in steps ? at + steps[event.key] : null;
    if (to === null) return;
    event.preventDefault();
    choose(field, to);
  });
  for (const kind of ["pointerover", "click"]) {
    document.addEventListener(kind, (event) => {
      const mark = event.target.closest?.(".fp-mark");
      if (mark) choose(mark.parentElement, [...mark.parentElement.children].indexOf(mark));
    });
  }
})();
