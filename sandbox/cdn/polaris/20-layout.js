/* Boxes, stacks, grids; pages and sections. Plain containers have no shadow tree: they style themselves. */

const boxColors = { transparent: 'transparent', subdued: '#f4f5f6', base: '#ffffff', strong: '#e4e8ea' };
const borderColors = { subdued: '#e4e8ea', base: '#d5d9dc', strong: '#868d93' };
const radii = {
  none: 0, 'small-200': 2, 'small-100': 4, small: 6, base: 8, large: 12, 'large-100': 16, 'large-200': 20, max: 999,
};

const boxProperties = {
  padding: 'padding', paddingblock: 'padding-block', paddinginline: 'padding-inline',
  paddingblockstart: 'padding-block-start', paddingblockend: 'padding-block-end',
  paddinginlinestart: 'padding-inline-start', paddinginlineend: 'padding-inline-end',
  blocksize: 'block-size', minblocksize: 'min-block-size', maxblocksize: 'max-block-size',
  inlinesize: 'inline-size', mininlinesize: 'min-inline-size', maxinlinesize: 'max-inline-size',
  display: 'display', overflow: 'overflow',
};
const flowProperties = {
  gap: 'gap', rowgap: 'row-gap', columngap: 'column-gap', alignitems: 'align-items', justifyitems: 'justify-items',
  placeitems: 'place-items', aligncontent: 'align-content', justifycontent: 'justify-content', placecontent: 'place-content',
  gridtemplatecolumns: 'grid-template-columns', gridtemplaterows: 'grid-template-rows',
  gridcolumn: 'grid-column', gridrow: 'grid-row',
};
const roles = {
  main: 'main', header: 'banner', footer: 'contentinfo', section: 'region', aside: 'complementary',
  navigation: 'navigation', 'ordered-list': 'list', 'unordered-list': 'list', 'list-item': 'listitem',
  separator: 'separator', status: 'status', alert: 'alert', none: 'none',
};

class Box extends HTMLElement {
  static observedAttributes = [
    ...Object.keys(boxProperties), ...Object.keys(flowProperties), 'background', 'border', 'borderwidth', 'bordercolor',
    'borderstyle', 'borderradius', 'accessibilityrole', 'accessibilitylabel', 'accessibilityvisibility', 'direction',
  ];

  connectedCallback() {
    this.getAttributeNames().forEach((name) => this.apply(name));
  }

  attributeChangedCallback(name) {
    if (this.isConnected) this.apply(name);
  }

  apply(name) {
    const value = this.getAttribute(name) ?? '';
    const property = boxProperties[name] || flowProperties[name];
    if (property) style(this, property, property === 'display' && value === 'auto' ? '' : inPixels(value));
    else if (name === 'background') style(this, 'background-color', boxColors[value] ?? '');
    else if (name.startsWith('border')) this.applyBorder();
    else if (name === 'accessibilityrole') this.role = roles[value] ?? null;
    else if (name === 'accessibilitylabel') this.ariaLabel = value || null;
    else if (name === 'accessibilityvisibility') this.applyVisibility(value);
  }

  /** border="base strong dashed": width, color, style; single attributes say more. */
  applyBorder() {
    const [width = 'none', color = 'base', line = 'solid'] = (this.getAttribute('border') || 'none').split(/\s+/);
    const chosen = this.getAttribute('borderwidth') || width;
    const widths = chosen.split(/\s+/).map((one) => ({ none: '0', large: '2px', 'large-100': '3px' }[one] ?? '1px'));
    this.style.borderWidth = widths.join(' ');
    this.style.borderStyle = this.getAttribute('borderstyle') || (line === 'auto' ? 'solid' : line);
    this.style.borderColor = borderColors[this.getAttribute('bordercolor') || color] ?? borderColors.base;
    const corners = (this.getAttribute('borderradius') || '').split(/\s+/).filter(Boolean);
    this.style.borderRadius = corners.map((one) => `${radii[one] ?? 0}px`).join(' ');
  }

  applyVisibility(value) {
    this.classList.toggle('s-only-heard', value === 'exclusive');
    if (value === 'hidden') this.ariaHidden = 'true';
  }
}

define('s-box', class extends Box {});
define('s-grid', class extends Box {});
define('s-grid-item', class extends Box {});
define('s-scroll-box', class extends Box {
  connectedCallback() {
    super.connectedCallback();
    this.tabIndex = 0; // so that a keyboard can scroll it
  }
});
define('s-stack', class extends Box {
  apply(name) {
    if (name !== 'direction') return super.apply(name);
    const inRow = this.getAttribute('direction').replaceAll('inline', 'row').replaceAll('block', 'column');
    // "row-size" is what became of "inline-size" in a container condition.
    return style(this, 'flex-direction', inRow.replaceAll('row-size', 'inline-size').replaceAll('column-size', 'block-size'));
  }
});
define('s-query-container', class extends HTMLElement {
  connectedCallback() {
    this.style.containerName = this.getAttribute('containername') || '';
  }
});
define('s-divider', class extends HTMLElement {
  connectedCallback() {
    this.role = 'separator';
    if (this.getAttribute('direction') === 'block') this.ariaOrientation = 'vertical';
  }
});

addPageStyles(sheet(`
  s-box, s-grid-item { display: block; min-width: 0; }
  s-stack { display: flex; flex-direction: column; min-width: 0; }
  s-stack[direction="inline"] { flex-wrap: wrap; align-items: center; }
  s-stack[direction="inline"][alignitems] { align-items: unset; }
  s-stack[direction="inline"] > * { flex: 0 1 auto; max-width: 100%; }
  s-grid { display: grid; min-width: 0; }
  s-scroll-box { display: block; overflow: auto; }
  s-query-container { display: block; container-type: inline-size; }
  s-divider { display: block; border-block-start: 1px solid #d5d9dc; align-self: stretch; }
  s-divider[color="strong"] { border-color: #868d93; }
  s-divider[direction="block"] { border-block-start: 0; border-inline-start: 1px solid #d5d9dc; }
  /* Never stretched by a flex or grid parent. */
  :is(s-link, s-button, s-press-button, s-badge, s-chip, s-clickable-chip, s-avatar, s-icon, s-spinner, s-thumbnail):not([inlinesize="fill"]) { width: fit-content; }
  .s-only-heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  :is(s-box, s-stack, s-grid, s-grid-item, s-section, s-banner, s-modal)[hidden] { display: none !important; }
  s-app-nav { display: none; }
  body:has(> s-page) { margin: 0; background: #f1f2f2; }
`));

class Page extends Polaris {
  static observedAttributes = ['heading', 'inlinesize'];
  static styles = `
    :host { display: block; container-type: inline-size; min-height: 100vh; background: #f1f2f2; }
    .page { max-width: 62rem; margin: 0 auto; padding: 1.5rem clamp(1rem, 3cqi, 2rem) 4rem; }
    .page.small { max-width: 44rem; } .page.large { max-width: none; }
    header { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1rem; margin-bottom: 1.25rem; }
    h1 { font-size: 1.35rem; line-height: 1.3; margin: 0; margin-inline-end: auto; overflow-wrap: anywhere; }
    .actions { display: flex; flex-wrap: wrap; gap: .5rem; }
    .columns { display: grid; gap: 1rem; align-items: start; }
    main, aside { display: grid; gap: 1rem; min-width: 0; grid-template-columns: minmax(0, 1fr); }
    @container (inline-size > 52rem) { .columns.two { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); } }`;

  draw() {
    const hasAside = this.querySelector(':scope > [slot="aside"]') !== null;
    this.show(h('div', { class: `page ${this.get('inlinesize', 'base')}` },
      h('header', {},
        slot('breadcrumb-actions'),
        this.get('heading') && h('h1', {}, this.get('heading')),
        slot('accessory'),
        h('div', { class: 'actions' }, slot('secondary-actions'), slot('primary-action'))),
      h('div', { class: `columns ${hasAside ? 'two' : ''}` },
        h('main', {}, slot('supplemental-start'), h('slot')),
        hasAside && h('aside', {}, slot('aside')))));
  }

  start() {
    // The parser adds the children after the element itself.
    new MutationObserver(() => {
      const hasAside = this.querySelector(':scope > [slot="aside"]') !== null;
      if (hasAside !== (this.shadowRoot.querySelector('aside') !== null)) this.draw();
    }).observe(this, { childList: true });
  }
}
reflect(Page, ['heading', 'inlineSize']);
define('s-page', Page);

class Section extends Polaris {
  static observedAttributes = ['heading', 'subheading', 'padding', 'accessibilitylabel'];
  static styles = `
    :host { display: block; min-width: 0; }
    section.card { background: #fff; border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.1rem 1.15rem; }
    section.bare { padding: 0; overflow: hidden; }
    section.bare .head { padding: 1rem 1.1rem 0; }
    .head { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .8rem; margin-bottom: .7rem; }
    h2, h3, h4 { font-size: .9375rem; line-height: 1.4; margin: 0; margin-inline-end: auto; }
    h3, h4 { font-size: .875rem; }
    .sub { color: var(--soft); flex-basis: 100%; margin: 0; }
    .body { display: flex; flex-direction: column; gap: 1rem; min-width: 0; }`;

  start() {
    new MutationObserver(() => this.draw()).observe(this, { childList: true });
  }

  draw() {
    const depth = depthOf(this);
    const heading = this.get('heading');
    const label = this.get('accessibilitylabel');
    const hasActions = this.querySelector(':scope > [slot="primary-action"], :scope > [slot="secondary-actions"], :scope > [slot="accessory"]');
    const classes = [depth === 0 && 'card', depth === 0 && this.get('padding') === 'none' && 'bare'].filter(Boolean).join(' ');
    const title = heading && h(`h${Math.min(4, depth + 2)}`, { id: 'title' }, heading);
    this.show(h('section', { class: classes, 'aria-label': label, 'aria-labelledby': !label && heading && 'title' },
      (heading || hasActions || this.get('subheading')) && h('div', { class: 'head' },
        title, slot('accessory'), slot('secondary-actions'), slot('primary-action'),
        this.get('subheading') && h('p', { class: 'sub' }, this.get('subheading'))),
      slot('graphic'),
      h('div', { class: 'body' }, h('slot')),
      slot('supplemental')));
  }
}
reflect(Section, ['heading', 'subheading', 'padding', 'accessibilityLabel']);
define('s-section', Section);

/** How many sections stand around an element: decides between a card and a part of one, and the heading's level. */
function depthOf(element) {
  let depth = 0;
  for (let outer = element.parentElement?.closest('s-section'); outer; outer = outer.parentElement?.closest('s-section')) depth += 1;
  return depth;
}
