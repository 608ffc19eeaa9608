/* Drawings: zoom by buttons, pan by dragging. */
(() => {
  'use strict';
  let scale = 0, drag = null;
  const zoom = (factor, whole = true) => {
    const svg = document.querySelector('[data-zoom=svg]');
    if (!svg) return;
    const [, , w, h] = svg.getAttribute('viewBox').split(' ').map(Number);
    const pane = svg.parentElement;
    scale = factor ? Math.min(3, Math.max(.2, (scale || 1) * factor))
      : Math.min(1, (pane.clientWidth - 34) / w, whole ? (pane.clientHeight - 34) / h : 1);
    svg.setAttribute('width', w * scale);
    svg.setAttribute('height', h * scale);
  };
  const steps = {'zoom-in': 1.25, 'zoom-out': .8, 'zoom-fit': 0};
  document.addEventListener('click', event => {
    const step = steps[event.target.closest?.('[data-act]')?.dataset.act];
    if (step !== undefined) zoom(step);
  });
  document.addEventListener('pointerdown', event => {
    const pane = event.target.closest?.('[data-pan]');
    if (pane && !event.target.closest('a')) drag = {pane, x: event.clientX + pane.scrollLeft, y: event.clientY + pane.scrollTop};
  });
  document.addEventListener('pointermove', event => {
    if (drag) { drag.pane.scrollLeft = drag.x - event.clientX; drag.pane.scrollTop = drag.y - event.clientY; }
  });
  document.addEventListener('pointerup', () => { drag = null; });
  document.addEventListener('htmx:afterSwap', () => { if (scale) zoom(1); });
  document.addEventListener('DOMContentLoaded', () => zoom(0, false));
})();
