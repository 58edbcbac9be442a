/* Tables: real rows and cells for everybody who reads them, a list of cards where there is no room. */

addPageStyles(sheet(`
  s-table { display: block; }
  s-table-header-row, s-table-row { display: table-row; }
  s-table-body { display: table-row-group; }
  s-table-header, s-table-cell { display: table-cell; padding: .6rem .8rem; border-block-end: 1px solid #e4e8ea; text-align: start; vertical-align: middle; font-size: .875rem; line-height: 1.45; }
  s-table-header { font-weight: 600; font-size: .8125rem; color: #57606a; background: #f7f8f8; white-space: nowrap; }
  s-table-row:last-child > s-table-cell { border-block-end: 0; }
  s-table-row[clickdelegate] { cursor: pointer; } s-table-row[clickdelegate]:hover { background: #f7f8f8; }
  [data-s-format="numeric"], [data-s-format="currency"] { text-align: end; font-variant-numeric: tabular-nums; white-space: nowrap; }
  @container s-table (inline-size < 30rem) {
    s-table:not([variant="table"]) :is(s-table-header-row) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    s-table:not([variant="table"]) :is(s-table-body, s-table-row) { display: block; }
    s-table:not([variant="table"]) s-table-row { padding: .7rem .9rem; border-block-end: 1px solid #e4e8ea; }
    s-table:not([variant="table"]) s-table-cell { display: flex; justify-content: space-between; gap: 1rem; padding: .1rem 0; border: 0; text-align: end; }
    s-table:not([variant="table"]) s-table-cell::before { content: attr(data-s-header); color: #57606a; font-size: .8125rem; text-align: start; }
    s-table:not([variant="table"]) s-table-cell[data-s-slot="primary"] { font-weight: 600; text-align: start; }
    s-table:not([variant="table"]) s-table-cell[data-s-slot="primary"]::before { content: none; }
  }
`));

class Table extends Polaris {
  static observedAttributes = ['loading', 'paginate', 'haspreviouspage', 'hasnextpage', 'variant'];
  static styles = `
    :host { container: s-table / inline-size; } .table { display: table; width: 100%; border-collapse: collapse; }
    .scroll { overflow-x: auto; } .pager { display: flex; justify-content: center; gap: .5rem; padding: .7rem; border-top: 1px solid var(--line); }
    .pager button { min-height: 2.1rem; padding: .35rem .7rem; border: 1px solid var(--edge); border-radius: 8px; background: #fff; cursor: pointer; line-height: 0; }
    .pager button[disabled] { color: #9aa2a8; border-color: var(--line); cursor: default; } .busy { opacity: .55; }
    @container s-table (inline-size < 30rem) { .table.list { display: block; } }`;

  start() {
    new MutationObserver(() => this.nameCells()).observe(this, { childList: true, subtree: true });
    this.addEventListener('click', delegateClick);
  }

  draw() {
    const classes = [`table`, this.get('variant') !== 'table' && 'list', this.is('loading') && 'busy'].filter(Boolean).join(' ');
    this.show(slot('filters'),
      h('div', { class: 'scroll' }, h('div', { role: 'table', class: classes, 'aria-busy': this.is('loading') && 'true' }, h('slot'))),
      this.is('paginate') && h('div', { class: 'pager', role: 'group', 'aria-label': 'Pages' },
        this.turn('previouspage', 'Previous page', 'chevron-left', this.is('haspreviouspage')),
        this.turn('nextpage', 'Next page', 'chevron-right', this.is('hasnextpage'))) || '');
    this.nameCells();
  }

  turn(event, label, icon, isPossible) {
    return h('button', { type: 'button', 'aria-label': label, disabled: !isPossible, onclick: () => this.dispatchEvent(new Event(event)) }, drawing(icon, 18));
  }

  /** Each cell learns its column's title and format; as a card it shows the title before its content. */
  nameCells() {
    const headers = [...this.querySelectorAll('s-table-header')];
    for (const header of headers) mark(header, header);
    for (const row of this.querySelectorAll('s-table-row')) {
      [...row.children].forEach((cell, column) => headers[column] && mark(cell, headers[column]));
    }
  }
}

function mark(cell, header) {
  const values = { header: header.textContent.trim(), format: header.getAttribute('format') || 'base', slot: header.getAttribute('listslot') || 'labeled' };
  for (const [name, value] of Object.entries(values)) {
    if (cell.getAttribute(`data-s-${name}`) !== value) cell.setAttribute(`data-s-${name}`, value);
  }
}

/** A click anywhere in a row with `clickdelegate` is a click on the element of that id. */
function delegateClick(event) {
  const row = event.target.closest?.('s-table-row[clickdelegate]');
  const isOnControl = event.composedPath().some((node) => /^(a|button|input|select|textarea|s-button|s-link|s-checkbox)$/.test(node.localName || ''));
  if (row && !isOnControl) document.getElementById(row.getAttribute('clickdelegate'))?.click();
}

function withRole(role) {
  return class extends HTMLElement {
    connectedCallback() { this.role = role; }
  };
}

define('s-table', Table);
define('s-table-header-row', class extends withRole('row') {});
define('s-table-body', class extends withRole('rowgroup') {});
define('s-table-row', class extends withRole('row') {});
define('s-table-header', class extends withRole('columnheader') {});
define('s-table-cell', class extends withRole('cell') {});
