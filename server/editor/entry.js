/* What the dashboard's editor takes from CodeMirror, as one global; ui/static/editor.js is its only reader. */
export {autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion} from '@codemirror/autocomplete';
export {defaultKeymap, history, historyKeymap, indentLess, indentMore, temporarilySetTabFocusMode} from '@codemirror/commands';
export {json} from '@codemirror/lang-json';
export {python} from '@codemirror/lang-python';
export {SQLDialect, sql} from '@codemirror/lang-sql';
export {yaml} from '@codemirror/lang-yaml';
export {HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting} from '@codemirror/language';
export {lintGutter, lintKeymap, setDiagnostics} from '@codemirror/lint';
export {highlightSelectionMatches, search, searchKeymap} from '@codemirror/search';
export {EditorState} from '@codemirror/state';
export {EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers} from '@codemirror/view';
export {tags} from '@lezer/highlight';
