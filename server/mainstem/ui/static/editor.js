/* The flow editor: problems lead to their line, and Tab indents until Escape lets it go. */
(() => {
  'use strict';
  const area = document.querySelector('textarea[data-editor]');
  if (!area) return;
  const place = (line, column) => {
    const lines = area.value.split('\n');
    const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    return Math.min(before + column - 1, area.value.length);
  };
  document.addEventListener('click', event => {
    const link = event.target.closest('a[data-line]');
    if (!link) return;
    event.preventDefault();
    const line = Number(link.dataset.line);
    const at = place(line, Number(link.dataset.column));
    area.focus();
    area.setSelectionRange(at, at);
    const height = parseFloat(getComputedStyle(area).lineHeight) || 18;
    area.scrollTop = Math.max(0, (line - 5) * height);
  });
  let leaving = false;
  area.addEventListener('keydown', event => {
    if (event.key === 'Escape') leaving = true;
    else if (event.key === 'Tab' && !event.shiftKey && !leaving) {
      event.preventDefault();
      area.setRangeText('  ', area.selectionStart, area.selectionEnd, 'end');
      area.dispatchEvent(new Event('input', {bubbles: true}));
    } else if (event.key !== 'Shift') leaving = false;
  });
})();
