/* The editor: CodeMirror over the text area of a form, which stays what is sent.
   What may come next, what it means and what is wrong, the server says. */
(() => {
  'use strict';
  const area = document.querySelector('textarea[data-editor]');
  if (!area || !globalThis.CodeMirror) return;
  const {EditorState, EditorView, tags: t, ...cm} = CodeMirror;
  const {nonce} = document.currentScript;
  const {assist} = area.dataset;
  const form = area.form;
  const places = '#checked a[data-line]';

  const ask = async (what, values) => {
    const body = new URLSearchParams({source: area.value, ...values});
    const headers = {'x-csrf-token': form.elements.csrf.value};
    const answer = await fetch(`${assist}/${what}`, {method: 'POST', headers, body});
    return answer.ok ? answer.json() : null;
  };
  const cursor = state => {
    const {head} = state.selection.main, line = state.doc.lineAt(head);
    return {line: line.number - 1, column: head - line.from};
  };
  const offset = (doc, line, column) => {
    const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
    return Math.min(found.from + column - 1, found.to);
  };

  // completion
  const label = text => () => Object.assign(document.createElement('div'), {textContent: text});
  const apply = text => (view, option, from, to) => {
    const follows = view.state.sliceDoc(to, to + 1) === ':' ? option.label : text;
    view.dispatch({changes: {from, to, insert: follows}, selection: {anchor: from + follows.length}, userEvent: 'input.complete'});
    if (/^(choice|boolean)/.test(option.detail) && follows === text) cm.startCompletion(view);
  };
  const complete = async context => {
    const {from, text} = context.state.doc.lineAt(context.pos);
    const head = text.slice(0, context.pos - from);
    if (!context.explicit && !/[\w.]$|\btype:\s+$|\{\{\s*$|\|\s*$/.test(head)) return null;
    const found = await ask('_complete', cursor(context.state));
    if (!found?.options.length || context.aborted) return null;
    const options = found.options.map((one, at) => ({
      label: one.label, detail: one.detail, apply: apply(one.apply), boost: Math.max(-99, 99 - at),
      info: one.info ? label(one.info) : undefined, type: one.required ? 'required' : 'property',
    }));
    return {from: from + found.from, options, validFor: /^[\w.-]*$/};
  };

  // the problems that the server lists are marked in the text
  const mark = () => {
    const {doc} = view.state;
    cm.setDiagnostics && view.dispatch(cm.setDiagnostics(view.state, [...document.querySelectorAll(`${places}[data-severity]`)].map(link => {
      const from = offset(doc, Number(link.dataset.line), Number(link.dataset.column));
      const word = /^[^\s:,\]}]+/.exec(doc.sliceString(from, doc.lineAt(from).to));
      const item = link.parentElement;
      return {
        from, to: from + (word ? word[0].length : 0), severity: link.dataset.severity,
        message: [...item.querySelectorAll('span')].map(el => el.textContent).join(' '),
      };
    })));
  };
  const go = (line, column) => {
    const at = offset(view.state.doc, line, column);
    view.dispatch({selection: {anchor: at}, effects: EditorView.scrollIntoView(at, {y: 'center'})});
    view.focus();
  };

  // docs of the type under the cursor
  let waiting = 0, shown = '';
  const explain = () => {
    const at = cursor(view.state), key = `${at.line} ${area.value.length}`;
    if (key === shown) return;
    shown = key;
    htmx.ajax('POST', `${assist}/_docs`, {target: '#docs', swap: 'outerHTML', values: {source: area.value, ...at}});
  };
  const changed = update => {
    if (update.docChanged) {
      area.value = update.state.doc.toString();
      htmx.trigger(area, 'input');
    }
    if (assist && (update.docChanged || update.selectionSet)) {
      clearTimeout(waiting);
      waiting = setTimeout(explain, 250);
    }
  };

  const replace = text => view.state.doc.toString() === text || view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: text}, userEvent: 'format'});
  const save = () => {
    const button = form.querySelector('.btn.primary');
    if (button) form.requestSubmit(button);
    return true;
  };

  const colours = cm.HighlightStyle.define([
    {tag: [t.definition(t.propertyName), t.propertyName, t.keyword], color: 'var(--accent)'},
    {tag: [t.string, t.special(t.string), t.content], color: 'var(--text)'},
    {tag: [t.number, t.bool, t.null], color: 'var(--st-paused)'},
    {tag: [t.comment, t.lineComment], color: 'var(--text-3)', fontStyle: 'italic'},
    {tag: [t.punctuation, t.separator, t.operator], color: 'var(--text-2)'},
    {tag: [t.labelName, t.typeName, t.meta], color: 'var(--st-restart)'},
    {tag: [t.function(t.variableName), t.definition(t.variableName)], color: 'var(--st-success)'},
  ]);
  const look = EditorView.theme({
    '&': {border: '1px solid var(--control)', borderRadius: 'var(--radius)', background: 'var(--bg)', color: 'var(--text)', fontSize: 'var(--fs-1)'},
    '&.cm-focused': {outline: 'none', boxShadow: 'var(--ring)'},
    '.cm-scroller': {fontFamily: 'var(--mono)', lineHeight: '1.5', minHeight: '320px', maxHeight: '76vh'},
    '.cm-content': {caretColor: 'var(--text)'},
    '.cm-cursor': {borderLeftColor: 'var(--text)'},
    '.cm-gutters': {background: 'var(--surface)', color: 'var(--text-3)', borderRight: '1px solid var(--line)'},
    '.cm-activeLine, .cm-activeLineGutter': {background: 'color-mix(in srgb, var(--accent) 7%, transparent)'},
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {background: 'color-mix(in srgb, var(--accent) 28%, transparent)'},
    '.cm-selectionMatch, .cm-searchMatch': {background: 'var(--st-warning-bg)'},
    '.cm-matchingBracket': {background: 'var(--sunken)', outline: '1px solid var(--control)'},
    '.cm-tooltip': {background: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--control)', borderRadius: 'var(--radius)'},
    '.cm-tooltip.cm-tooltip-autocomplete > ul': {fontFamily: 'var(--mono)', maxHeight: '18em'},
    '.cm-tooltip.cm-tooltip-autocomplete > ul > li': {padding: '3px 8px'},
    '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {background: 'var(--accent)', color: 'var(--on-accent)'},
    '.cm-completionDetail': {color: 'inherit', opacity: '.75', fontStyle: 'normal'},
    '.cm-completionMatchedText': {textDecoration: 'none', fontWeight: '600'},
    '.cm-completionInfo': {padding: '6px 10px', maxWidth: '46ch', fontFamily: 'var(--font)'},
    '.cm-diagnostic-error': {borderLeftColor: 'var(--st-failed)'},
    '.cm-diagnostic-warning': {borderLeftColor: 'var(--st-warning)'},
    '.cm-panels': {background: 'var(--surface)', color: 'var(--text)', borderColor: 'var(--line)'},
    '.cm-button': {backgroundImage: 'none', background: 'var(--bg)', border: '1px solid var(--control)', borderRadius: 'var(--radius)'},
    '.cm-foldPlaceholder': {background: 'var(--sunken)', border: '0', color: 'var(--text-2)'},
  });
  const languages = {
    yaml: cm.yaml, json: cm.json, sql: cm.sql, python: cm.python,
    yml: cm.yaml, py: cm.python,
  };
  const language = languages[area.dataset.editor];
  const view = new EditorView({
    doc: area.value,
    extensions: [
      EditorView.cspNonce.of(nonce),
      EditorView.contentAttributes.of({'aria-label': area.labels[0]?.textContent || 'Text', spellcheck: 'false', tabindex: '0'}),
      EditorState.readOnly.of(area.readOnly),
      cm.lineNumbers(), cm.foldGutter(), cm.highlightSpecialChars(), cm.history(), cm.drawSelection(),
      cm.indentUnit.of(area.dataset.editor === 'py' ? '    ' : '  '), cm.indentOnInput(), cm.bracketMatching(), cm.closeBrackets(),
      cm.highlightActiveLine(), cm.highlightActiveLineGutter(), cm.highlightSelectionMatches(), cm.search({top: true}),
      cm.syntaxHighlighting(colours), look, language ? language() : [],
      assist ? [cm.lintGutter(), cm.autocompletion({override: [complete], icons: false, activateOnTypingDelay: 60})] : [],
      cm.keymap.of([
        {key: 'Mod-s', run: save, preventDefault: true},
        ...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.searchKeymap, ...cm.historyKeymap,
        ...cm.foldKeymap, ...cm.lintKeymap, ...cm.defaultKeymap,
        {key: 'Tab', run: cm.indentMore, shift: cm.indentLess},
        {key: 'Escape', run: cm.temporarilySetTabFocusMode},
      ]),
      EditorView.updateListener.of(changed),
    ],
  });
  area.after(view.dom);
  area.hidden = true;
  document.querySelectorAll('[data-editor-keys]').forEach(el => { el.hidden = false; });

  document.addEventListener('click', event => {
    const link = event.target.closest(places);
    if (!link) return;
    event.preventDefault();
    go(Number(link.dataset.line), Number(link.dataset.column));
  });
  document.addEventListener('htmx:afterSettle', event => {
    if (event.target.id === 'checked' || event.target === area) mark();
  });
  let sent = false;
  form.addEventListener('submit', async event => {
    if (assist && event.submitter?.value === 'format') {
      event.preventDefault();
      event.stopPropagation();
      const tidy = await ask('_format', {});
      if (tidy) replace(tidy.source);
      view.focus();
    } else sent = true;
  });
  addEventListener('beforeunload', event => {
    if (!sent && area.value !== area.defaultValue) event.preventDefault();
  });
  mark();
  if (assist) {
    explain();
    ask('_complete', cursor(view.state)); // makes the server ready before anyone waits for it
  }
})();
