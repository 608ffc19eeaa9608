// Draws each [data-chart] of the Metrics tab; without it the table below has the same figures.
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const charts = new Map();

  const draw = (holder) => {
    charts.get(holder)?.destroy();
    holder.replaceChildren();
    const { x, y, name } = JSON.parse(holder.dataset.chart);
    const line = css('--line'), text = css('--text-2'), accent = css('--accent');
    const font = `11px ${css('--font')}`;
    const axis = { stroke: text, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
    const chart = new uPlot({
      width: holder.clientWidth,
      height: 240,
      legend: { show: false },
      cursor: { y: false },
      scales: { y: { range: (_u, low, high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.05 || 1] } },
      axes: [axis, { ...axis, size: 70 }],
      series: [{}, { label: name, stroke: accent, width: 1.5, points: { size: 5 }, spanGaps: true }],
    }, [x, y], holder);
    charts.set(holder, chart);
    const said = holder.parentElement.querySelector('[data-chart-at]');
    chart.over.addEventListener('mousemove', () => {
      const at = chart.cursor.idx;
      if (said && at != null && y[at] != null) {
        said.textContent = `${new Date(x[at] * 1000).toLocaleString()}: ${y[at]}`;
      }
    });
  };

  const all = () => document.querySelectorAll('[data-chart]').forEach(draw);
  let waiting;
  addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(all, 100); });
  new MutationObserver(all).observe(document.documentElement, { attributeFilter: ['data-theme'] });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', all);
  all();
})();
