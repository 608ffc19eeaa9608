/* Mainstem dashboard: the little that links and forms cannot do. Pages work without it. */
(() => {
  'use strict';
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, fn, target = document, capture) => target.addEventListener(type, fn, capture);
  const root = document.documentElement;

  // preferences
  const prefs = () => new URLSearchParams(
    (document.cookie.match(/(?:^|; )mainstem_prefs=([^;]*)/) || [])[1] || '');
  const remember = (key, value) => {
    const all = prefs();
    all.set(key, value);
    document.cookie = `mainstem_prefs=${all}; path=/ui; max-age=31536000; samesite=strict`;
  };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && prefs().get('seen_zone') !== zone) remember('seen_zone', zone);
  const cycle = (key, values) => {
    const next = values[(values.indexOf(root.dataset[key]) + 1) % values.length];
    root.dataset[key] = next;
    remember(key, next);
    return next;
  };

  // toasts
  const toast = (text, kind = 'info') => {
    const item = document.createElement('div');
    item.className = `toast ${kind}`;
    item.textContent = text;
    if (kind === 'failed') {
      const close = document.createElement('button');
      close.className = 'ghost';
      close.textContent = 'Dismiss';
      on('click', () => item.remove(), close);
      item.append(close);
    } else setTimeout(() => item.remove(), 4000);
    $('#toasts').append(item);
  };

  // live link: one stream for each visible tab
  let lostAt = 0;
  const showLink = state => {
    const badge = $('#live');
    if (!badge || badge.dataset.state === state) return;
    badge.dataset.state = state;
    $('span', badge).textContent = state;
    lostAt = state === 'live' ? 0 : lostAt || Date.now();
    $('#stale').hidden = true;
  };
  const events = new EventTarget();
  let stream = null;
  const sources = [];
  const attach = source => {
    if (source.inner || source.closed || document.hidden) return;
    const inner = source.inner = new EventSource(source.url);
    inner.onopen = () => { if (source.missed) refresh(); source.missed = false; showLink('live'); };
    inner.onerror = () => {
      source.missed = true;
      showLink(navigator.onLine ? 'polling' : 'offline');
      if (inner.readyState === 2) { detach(source); setTimeout(attach, 5000, source); }
    };
    for (const [name, fns] of source.listeners) for (const fn of fns) inner.addEventListener(name, fn);
    inner.addEventListener('close', () => { detach(source); setTimeout(attach, 3000, source); });
  };
  const detach = source => {
    if (source.inner) source.inner.close();
    source.inner = null;
    source.missed = true;
  };
  htmx.createEventSource = url => {
    const source = {
      url, inner: null, closed: false, missed: false, listeners: new Map(), readyState: 1,
      addEventListener(name, fn) {
        if (!this.listeners.has(name)) this.listeners.set(name, new Set());
        this.listeners.get(name).add(fn);
        if (this.inner) this.inner.addEventListener(name, fn);
      },
      removeEventListener(name, fn) {
        this.listeners.get(name)?.delete(fn);
        if (this.inner) this.inner.removeEventListener(name, fn);
      },
      close() { detach(this); this.closed = true; },
    };
    sources.push(source);
    attach(source);
    return source;
  };
  const refresh = () => $$('[hx-trigger*="sse:"]').forEach(el => htmx.trigger(el, 'refresh'));
  on('visibilitychange', () => sources.forEach(document.hidden ? detach : attach));
  on('pagehide', () => sources.forEach(detach), window);
  on('online', () => sources.forEach(attach), window);
  setInterval(() => {
    if (lostAt && !document.hidden && Date.now() - lostAt > 10000) $('#stale').hidden = false;
  }, 2000);

  // htmx
  Object.assign(Idiomorph.defaults.callbacks, {
    beforeNodeMorphed: el => !el.matches?.('[type=password],[type=file]'),
    beforeAttributeUpdated: name => name !== 'open',
  });
  on('htmx:beforeRequest', event => {
    const polled = event.detail.requestConfig.triggeringEvent === undefined;
    if (document.hidden && polled && event.detail.requestConfig.verb === 'get') event.preventDefault();
  });
  on('htmx:responseError', event => {
    const said = event.detail.xhr.getResponseHeader('X-Problem');
    toast(said ? decodeURIComponent(said) : `The server answered ${event.detail.xhr.status}.`, 'failed');
  });
  on('htmx:sendError', () => showLink(navigator.onLine ? 'polling' : 'offline'));
  on('htmx:afterSwap', event => {
    ages(); follow(); cap(event.target); keepSelection();
    if (event.target.id === 'execute') open('execute');
  });
  on('started', event => { $('#execute').close(); toast(event.detail.value); });

  // time
  const rough = s => s < 60 ? `${s | 0} s` : s < 3600 ? `${s / 60 | 0} min`
    : s < 86400 ? `${s / 3600 | 0} h` : `${s / 86400 | 0} d`;
  const ages = () => $$('time[data-age]').forEach(el => {
    const s = (Date.now() - Date.parse(el.dateTime)) / 1000, far = Math.abs(s);
    if (far < 7 * 86400) {
      const said = far < 5 ? 'just now' : s > 0 ? `${rough(far)} ago` : `in ${rough(far)}`;
      if (el.textContent !== said) el.textContent = said;
    }
  });
  const two = n => String(n | 0).padStart(2, '0');
  const span = s => s < 60 ? `${s | 0} s` : s < 3600 ? `${s / 60 | 0} min ${two(s % 60)} s`
    : `${s / 3600 | 0} h ${two(s % 3600 / 60)} min`;
  setInterval(() => {
    if (document.hidden) return;
    $$('[data-since]').forEach(el => {
      el.textContent = span(Math.max(0, (Date.now() - Date.parse(el.dataset.since)) / 1000));
    });
  }, 1000);
  setInterval(ages, 5000);

  // logs: follow the end, keep the page light
  let following = true;
  const follow = () => {
    const logs = $('[data-follow]');
    if (logs && following && logs.dataset.follow === 'on') logs.scrollTop = logs.scrollHeight;
  };
  on('scroll', event => {
    const logs = event.target;
    if (logs.matches?.('[data-follow]')) {
      following = logs.scrollHeight - logs.scrollTop - logs.clientHeight < 40;
      const button = $('[data-act=follow]');
      if (button) button.setAttribute('aria-pressed', following);
    }
  }, document, true);
  const cap = target => {
    const list = target.closest?.('[data-cap]') || $('[data-cap]');
    if (!list) return;
    const extra = list.querySelectorAll('.log').length - Number(list.dataset.cap);
    if (extra > 0) {
      $$('.log', list).slice(0, extra).forEach(el => el.remove());
      const older = $('#older');
      if (older) older.hidden = false;
    }
  };
  const markLine = () => {
    $$('.target-line').forEach(el => el.classList.remove('target-line'));
    const el = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (el) { el.classList.add('target-line'); el.scrollIntoView({block: 'center'}); following = false; }
  };
  on('hashchange', markLine, window);

  // dialogs
  let opener = null;
  const open = id => {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    opener = document.activeElement;
    dialog.showModal();
    $('[autofocus],.row :is(input:not([type=hidden]),select,textarea)', dialog)?.focus();
    on('close', () => opener?.focus(), dialog);
  };

  // palette
  const palette = () => { open('palette'); $('#palette input').select(); };
  const pick = step => {
    const items = $$('#palette-results a');
    const at = items.findIndex(el => el.classList.contains('picked'));
    items[at]?.classList.remove('picked');
    const next = items[(at + step + items.length) % items.length];
    next?.classList.add('picked');
    next?.scrollIntoView({block: 'nearest'});
  };

  // selection in tables
  const chosen = new Set();
  let anchor = null;
  const boxes = () => $$('input[data-select]');
  const showSelection = () => {
    boxes().forEach(box => { if (box.checked) chosen.add(box.value); else chosen.delete(box.value); });
    const bar = $('#bulk');
    if (!bar) return;
    const count = boxes().filter(box => box.checked).length;
    bar.hidden = !count;
    $$('[data-count]').forEach(el => { el.textContent = count; });
  };
  const keepSelection = () => {
    boxes().forEach(box => { box.checked = chosen.has(box.value); });
    showSelection();
  };
  const range = (from, to, checked) => {
    const all = boxes();
    const [a, b] = [all.indexOf(from), all.indexOf(to)].sort((x, y) => x - y);
    if (a >= 0) all.slice(a, b + 1).forEach(box => { box.checked = checked; });
  };

  // actions
  const acts = {
    theme: () => toast(`Theme: ${cycle('theme', ['system', 'light', 'dark'])}`),
    nav: () => cycle('nav', ['wide', 'slim']),
    menu: () => document.body.classList.toggle('menu-open'),
    palette,
    help: () => open('help'),
    copy: el => navigator.clipboard.writeText(el.dataset.copy ?? $(el.dataset.from).textContent)
      .then(() => toast('Copied'), () => toast('The browser refused to copy.', 'failed')),
    open: el => open(el.dataset.dialog),
    close: () => { if ($('dialog[open]')) $('dialog[open]').close(); else history.back(); },
    execute: el => htmx.ajax('GET', el.href, {source: '#execute', target: '#execute'}),
    follow: el => {
      following = el.getAttribute('aria-pressed') !== 'true';
      el.setAttribute('aria-pressed', following);
      follow();
    },
    wrap: el => el.setAttribute('aria-pressed', $('.logs').classList.toggle('wrap')),
    reload: () => location.reload(),
    'select-all': el => { boxes().forEach(box => { box.checked = el.checked; }); showSelection(); },
  };
  on('click', event => {
    const el = event.target.closest?.('[data-act]');
    if (el) {
      if (el.tagName === 'A') {
        if (event.ctrlKey || event.metaKey) return;
        event.preventDefault();
      }
      return acts[el.dataset.act]?.(el);
    }
    const box = event.target.closest?.('input[data-select]');
    if (box) {
      if (event.shiftKey && anchor) range(anchor, box, box.checked);
      anchor = box;
      showSelection();
    }
    if (event.target.tagName === 'DIALOG') event.target.close();
    $$('details.menu[open]').forEach(menu => { if (!menu.contains(event.target)) menu.open = false; });
  });
  on('change', event => {
    const {form} = event.target;
    if (event.target.matches?.('[data-submit]')) form.requestSubmit();
    if (form?.dataset.preview) preview(form);
  });
  // an answer to what has changed since is dropped
  const typed = form => JSON.stringify([...new FormData(form)]);
  const preview = async form => {
    const sent = typed(form), body = new FormData(form);
    $$('[type=file]', form).forEach(el => body.delete(el.name));
    const answer = await fetch(form.dataset.preview, {method: 'POST', headers: {'hx-request': 1}, body});
    const html = await answer.text();
    if (answer.ok && typed(form) === sent) Idiomorph.morph(form, html);
  };
  on('submit', event => {
    const form = event.target;
    if (form.dataset.trim !== undefined)
      $$('input,select', form).forEach(el => { if (!el.value) el.disabled = true; });
    if (form.method === 'post') {
      const button = event.submitter;
      if (form.dataset.sent) { event.preventDefault(); return; }
      if (!form.hasAttribute('hx-post')) form.dataset.sent = '1';
      button?.setAttribute('aria-busy', 'true');
    }
  });

  // keyboard
  const places = {d: '', f: 'flows', e: 'executions', l: 'logs', t: 'triggers', n: 'namespaces', s: 'gitsync'};
  let goingSince = 0;
  const rows = () => $$('tr[data-row]');
  const move = step => {
    const all = rows();
    const at = all.indexOf(row());
    all[Math.min(all.length - 1, Math.max(0, at + step))]?.focus();
  };
  const tab = step => {
    const tabs = $$('.tabs a');
    const at = tabs.findIndex(el => el.getAttribute('aria-current'));
    tabs[at + step]?.click();
  };
  const row = () => document.activeElement.closest?.('tr[data-row]');
  const rowBox = () => row() && $('input[data-select]', row());
  const keys = {
    '/': () => $('[data-filter]')?.focus(),
    '?': () => open('help'),
    g: () => { goingSince = Date.now(); },
    j: () => move(1),
    k: () => move(-1),
    x: () => rowBox()?.click(),
    X: () => { const box = rowBox();
      if (box) { if (anchor) range(anchor, box, true); else box.click(); anchor = box; showSelection(); } },
    Enter: () => row() && !document.activeElement.closest('a,button') && $('a', row())?.click(),
    '.': () => { const menu = row() && $('details.menu', row()); if (menu) { menu.open = true; $('a,button', menu)?.focus(); } },
    e: () => (row() && $('[data-act=execute]', row()) || $('[data-key=e]'))?.click(),
    '[': () => tab(-1),
    ']': () => tab(1),
  };
  on('keydown', event => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') { event.preventDefault(); palette(); return; }
    if (event.target.matches?.('#palette input')) {
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { event.preventDefault(); pick(event.key === 'ArrowDown' ? 1 : -1); }
      if (event.key === 'Enter') { event.preventDefault(); ($('#palette-results a.picked') || $('#palette-results a'))?.click(); }
      return;
    }
    if (event.key === 'Escape' && event.target.matches?.('input,select,textarea')) { event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || root.dataset.keys === 'off') return;
    if (event.target.closest?.('input,select,textarea,dialog,[contenteditable]') && !event.target.matches('input[type=checkbox]')) return;
    if (Date.now() - goingSince < 1200 && event.key in places) {
      goingSince = 0;
      location.href = `/ui/${places[event.key]}`;
      return;
    }
    if (keys[event.key]) {
      if ('/?'.includes(event.key)) event.preventDefault();
      keys[event.key]();
    }
  });

  on('DOMContentLoaded', () => { markLine(); follow(); showSelection(); });
})();
