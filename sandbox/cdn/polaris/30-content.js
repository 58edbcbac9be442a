/* Words, pictures and states. */

const toneInk = {
  info: '#1d4f7c', success: '#14512f', caution: '#6b4a06', warning: '#7a4300', critical: '#9b1c1c', accent: '#24507a',
};
const toneGround = {
  info: '#e3eef8', success: '#dcefe4', caution: '#fbedd0', warning: '#fde6cf', critical: '#f8e1de', accent: '#e3eef8',
};

addPageStyles(sheet(`
  s-text, s-number { font-size: inherit; }
  s-paragraph { display: block; font: 400 .875rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
  s-heading { display: block; font: 600 .9375rem/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
  :is(s-text, s-paragraph, s-number)[color="subdued"] { color: #57606a; }
  ${Object.entries(toneInk).map(([tone, ink]) => `:is(s-text, s-paragraph, s-number)[tone="${tone}"] { color: ${ink}; }`).join(' ')}
  s-text[type="strong"] { font-weight: 600; }
  s-text[type="generic"] { font-weight: inherit; }
  s-text[type="redundant"] { text-decoration: line-through; }
  s-text[type="address"] { font-style: normal; }
  :is(s-text, s-paragraph, s-number)[fontvariantnumeric="tabular-nums"], s-number { font-variant-numeric: tabular-nums; }
  s-unordered-list, s-ordered-list { display: block; padding-inline-start: 1.3em; }
  s-unordered-list { list-style: disc; } s-ordered-list { list-style: decimal; }
  s-list-item { display: list-item; margin-block: .2rem; }
  s-icon { display: inline-block; vertical-align: -.2em; line-height: 0; }
`));

class Words extends HTMLElement {
  connectedCallback() {
    if (this.getAttribute('accessibilityvisibility') === 'exclusive') this.classList.add('s-only-heard');
    if (this.getAttribute('accessibilityvisibility') === 'hidden') this.ariaHidden = 'true';
    const lines = this.getAttribute('lineclamp');
    if (lines) this.style.cssText += `display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:${Number(lines)};overflow:hidden`;
  }
}
define('s-text', class extends Words {});
define('s-number', class extends Words {});
define('s-paragraph', class extends Words {
  connectedCallback() {
    super.connectedCallback();
    this.role = 'paragraph';
  }
});
define('s-heading', class extends Words {
  connectedCallback() {
    super.connectedCallback();
    if (this.getAttribute('accessibilityrole') === 'none' || this.getAttribute('accessibilityrole') === 'presentation') return;
    this.role = 'heading';
    this.ariaLevel = String(Math.min(6, depthOf(this) + 2));
  }
});

class List extends HTMLElement {
  connectedCallback() { this.role = 'list'; }
}
define('s-unordered-list', class extends List {});
define('s-ordered-list', class extends List {});
define('s-list-item', class extends HTMLElement {
  connectedCallback() { this.role = 'listitem'; }
});

// -- icons: a few strokes each; a name without a drawing is a plain circle -----------------------------------------

const strokes = {
  'alert-circle': 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 6.5v4.5M10 13.5v.2', 'alert-triangle': 'M10 3.5 17.5 16.5h-15zM10 8v4M10 14.2v.2',
  adjust: 'M4 6h7M15 6h1M4 14h2M10 14h6M13 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4M8 12a2 2 0 1 0 0 4 2 2 0 0 0 0-4', delivery: 'M2.5 5h9v9h-9zM11.5 8h3l3 3v3h-6M6 13a1.6 1.6 0 1 0 0 3.2A1.6 1.6 0 0 0 6 13M14 13a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2',
  'arrow-left': 'M16 10H4M9 5l-5 5 5 5', 'arrow-right': 'M4 10h12M11 5l5 5-5 5', calendar: 'M3.5 5h13v12h-13zM3.5 8.5h13M7 3v3M13 3v3',
  'cart-discount': 'M3 4h2l1.6 9h8.4L16.5 7M8 17v.1M14 17v.1', 'cash-dollar': 'M10 3v14M13 6.5c-1-1.2-6-1.5-6 1s6 1.5 6 4-5 2.2-6.2 .8',
  check: 'M4 10.5l4 4 8-9', 'check-circle': 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M7 10l2.2 2.2L13.2 8', 'chevron-down': 'M5 8l5 5 5-5',
  'chevron-left': 'M12 5l-5 5 5 5', 'chevron-right': 'M8 5l5 5-5 5', 'chevron-up': 'M5 12l5-5 5 5', circle: 'M10 5a5 5 0 1 0 0 10 5 5 0 0 0 0-10',
  clipboard: 'M6 5H4.5v12h11V5H14M7 3.5h6v3H7z', clock: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 6.5V10l2.5 2', delete: 'M4 6h12M8 6V4h4v2M5.5 6l.8 11h7.4l.8-11M8.5 9v5M11.5 9v5',
  adjust: 'M3 6h8M15 6h2M13 4.2v3.6M3 14h2M9 14h8M7 12.2v3.6', delivery: 'M2.5 5h9v8.5h-9zM11.5 8H15l2.5 2.8v2.7h-6M6.5 13.5v2M14 13.5v2',
  discount: 'M4 4h6l6.5 6.5-6 6L4 10zM7 7v.1', duplicate: 'M4 7h9v9H4zM7 7V4h9v9h-3', edit: 'M4 16l.8-3.5L13 4.3l2.7 2.7-8.2 8.2zM11.5 6l2.7 2.7', export: 'M10 12V3M6.5 6.5 10 3l3.5 3.5M4 12v4.5h12V12',
  external: 'M11 4h5v5M16 4l-7 7M13 11v5H4V7h5', filter: 'M3 5h14M6 10h8M8.5 15h3', gift: 'M4 9h12v8H4zM3 6h14v3H3zM10 6v11M10 6C5 5 6 1.5 8 2.5c1.5.8 2 3.5 2 3.5s.5-2.7 2-3.5c2-1 3 2.5-2 3.5', 'gift-card': 'M3 5h14v10H3zM3 9h14M7 5v10',
  home: 'M3.5 9.5 10 4l6.5 5.5V16.5h-4.5v-4H8v4H3.5z', import: 'M10 3v9M6.5 8.5 10 12l3.5-3.5M4 12v4.5h12V12', info: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 9.5V14M10 6.5v.2',
  'menu-horizontal': 'M5 10v.1M10 10v.1M15 10v.1', minus: 'M4 10h12', order: 'M5 3.5h10V17l-2.5-1.5L10 17l-2.5-1.5L5 17zM8 7.5h4M8 10.5h4', person: 'M10 4a3 3 0 1 0 0 6 3 3 0 0 0 0-6M4 17c.5-3.5 3-5 6-5s5.5 1.5 6 5',
  plus: 'M10 4v12M4 10h12', 'question-circle': 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M8 8c.2-2.5 4-2.3 4 0 0 1.5-2 1.5-2 3M10 13.7v.2', refresh: 'M15.5 8A6 6 0 1 0 16 11M16 4v4h-4',
  reward: 'M10 3a5 5 0 1 0 0 10 5 5 0 0 0 0-10M7.5 12.5 6.5 17l3.5-1.7 3.5 1.7-1-4.5', save: 'M4 4h10l2 2v10H4zM7 4v4h6V4M7 16v-4h6v4', search: 'M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4M13 13l4 4',
  settings: 'M10 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5M10 3v2.5M10 14.5V17M3 10h2.5M14.5 10H17M5 5l1.8 1.8M13.2 13.2 15 15M15 5l-1.8 1.8M6.8 13.2 5 15', heart: 'M10 16.2S3.5 12.4 3.5 8A3.5 3.5 0 0 1 10 6.2 3.5 3.5 0 0 1 16.5 8c0 4.4-6.5 8.2-6.5 8.2z', confetti: 'M3.5 16.5 7 7.5l5.5 5.5zM11 4.5V3M14 7l1.8-1.8M15.5 10H17M12.5 9.5a3 3 0 0 1 1-4', star: 'M10 3.5l2 4.3 4.7.6-3.5 3.2.9 4.7L10 14l-4.1 2.3.9-4.7-3.5-3.2 4.7-.6z',
  store: 'M4 9v8h12V9M3 5l1-2h12l1 2v2a2.3 2.3 0 0 1-4.7 0 2.3 2.3 0 0 1-4.6 0A2.3 2.3 0 0 1 3 7zM8 17v-4h4v4', undo: 'M7 5 3.5 8.5 7 12M3.5 8.5H12a4 4 0 0 1 0 8H8', view: 'M2.5 10C5 6 7.5 5 10 5s5 1 7.5 5c-2.5 4-5 5-7.5 5s-5-1-7.5-5M10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4', x: 'M5 5l10 10M15 5 5 15',
};

function drawing(type, size = 20) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  const values = {
    viewBox: '0 0 20 20', width: size, height: size, 'aria-hidden': 'true', focusable: 'false', fill: 'none',
    stroke: 'currentColor', 'stroke-width': '1.6', 'stroke-linecap': 'round', 'stroke-linejoin': 'round',
  };
  for (const [name, value] of Object.entries(values)) svg.setAttribute(name, value);
  path.setAttribute('d', strokes[type] || strokes[type.replace(/-filled$/, '')] || strokes.circle);
  svg.append(path);
  return svg;
}

define('s-icon', class extends Polaris {
  static observedAttributes = ['type', 'size', 'tone', 'color'];
  draw() {
    this.style.color = toneInk[this.get('tone')] || (this.get('color') === 'subdued' ? '#57606a' : '');
    this.show(drawing(this.get('type'), this.get('size').startsWith('small') ? 16 : 20));
  }
});

define('s-badge', class extends Polaris {
  static observedAttributes = ['tone', 'icon', 'color'];
  static styles = `
    :host { display: inline-block; vertical-align: middle; }
    span { display: inline-flex; align-items: center; gap: .25rem; padding: .05rem .55rem; border-radius: 1rem; background: #e4e8ea; font-size: .8125rem; white-space: nowrap; }`;
  draw() {
    const body = h('span', {}, this.get('icon') && drawing(this.get('icon'), 14), h('slot'));
    body.style.background = toneGround[this.get('tone')] || '';
    body.style.color = toneInk[this.get('tone')] || '';
    this.show(body);
  }
});

const bannerIcons = { info: 'info', success: 'check-circle', warning: 'alert-triangle', caution: 'alert-triangle', critical: 'alert-circle' };

class Banner extends Polaris {
  static observedAttributes = ['tone', 'heading', 'dismissible', 'hidden'];
  static styles = `
    :host { display: block; }
    .banner { display: flex; gap: .8rem; padding: .9rem 1.1rem; border-radius: 12px; border: 1px solid var(--line); background: #fff; }
    .body { flex: 1; min-width: 0; } h2 { font-size: .875rem; line-height: 1.5; margin: 0; }
    .actions { display: flex; flex-wrap: wrap; gap: .5rem; } .actions.some { margin-top: .7rem; }
    button { border: 0; background: none; padding: .1rem; cursor: pointer; line-height: 0; height: 1.5rem; }`;
  draw() {
    const tone = this.get('tone', 'info');
    const box = h('div', { class: 'banner', role: tone === 'critical' ? 'alert' : 'status' },
      drawing(bannerIcons[tone] || 'info'),
      h('div', { class: 'body' },
        this.get('heading') && h('h2', {}, this.get('heading')), h('slot'),
        h('div', { class: `actions ${this.querySelector('[slot="secondary-actions"]') ? 'some' : ''}` }, slot('secondary-actions'))),
      this.is('dismissible') && h('button', { type: 'button', 'aria-label': 'Dismiss', onclick: () => this.dismiss() }, drawing('x')));
    box.style.background = toneGround[tone] || toneGround.info;
    box.firstChild.style.color = toneInk[tone] || toneInk.info;
    this.show(box);
  }
  start() {
    new MutationObserver(() => this.draw()).observe(this, { childList: true });
  }
  dismiss() {
    this.dispatchEvent(new Event('dismiss'));
    this.hidden = true;
    this.dispatchEvent(new Event('afterhide'));
  }
}
reflect(Banner, ['tone', 'heading'], ['dismissible']);
define('s-banner', Banner);

define('s-spinner', class extends Polaris {
  static observedAttributes = ['size', 'accessibilitylabel'];
  static styles = `
    :host { display: inline-block; line-height: 0; }
    span { display: inline-block; border: 2px solid var(--line); border-top-color: var(--main); border-radius: 50%; animation: turn .8s linear infinite; }
    @keyframes turn { to { transform: rotate(1turn); } }
    @media (prefers-reduced-motion: reduce) { span { animation-duration: 4s; } }`;
  draw() {
    const made = h('span', { role: 'status', 'aria-label': this.get('accessibilitylabel', 'Loading') });
    const size = { base: 20, large: 32, 'large-100': 44 }[this.get('size', 'base')] || 16;
    made.style.width = made.style.height = `${size}px`;
    this.show(made);
  }
});

define('s-progress', class extends Polaris {
  static observedAttributes = ['value', 'max', 'accessibilitylabel', 'tone'];
  static styles = ':host { display: block; } progress { width: 100%; height: .5rem; accent-color: var(--accent); }';
  draw() {
    this.show(h('progress', { value: this.hasAttribute('value') && this.get('value'), max: this.get('max', '1'), 'aria-label': this.get('accessibilitylabel', 'Progress') }));
  }
});

class Picture extends Polaris {
  static observedAttributes = ['src', 'alt', 'srcset', 'sizes', 'loading', 'aspectratio', 'objectfit', 'inlinesize', 'size'];
  static styles = ':host { display: inline-block; line-height: 0; max-width: 100%; } img { max-width: 100%; border-radius: 8px; }';
  draw() {
    const image = h('img', { src: this.get('src') || null, alt: this.get('alt'), srcset: this.get('srcset') || null, sizes: this.get('sizes') || null, loading: this.get('loading') || null });
    for (const name of ['load', 'error']) image.addEventListener(name, () => this.dispatchEvent(new Event(name)));
    this.shape(image);
    this.show(image);
  }
  shape(image) {
    image.style.aspectRatio = this.get('aspectratio');
    image.style.objectFit = this.get('objectfit');
    image.style.width = this.get('inlinesize', 'fill') === 'fill' ? '100%' : '';
  }
}
define('s-image', Picture);
define('s-thumbnail', class extends Picture {
  shape(image) {
    const side = { 'small-200': 24, 'small-100': 32, small: 40, base: 56, large: 80, 'large-100': 112 }[this.get('size', 'base')] || 56;
    image.style.cssText = `width:${side}px;height:${side}px;object-fit:cover;border:1px solid #d5d9dc`;
  }
});

define('s-avatar', class extends Polaris {
  static observedAttributes = ['initials', 'src', 'alt', 'size'];
  static styles = `
    :host { display: inline-block; vertical-align: middle; }
    span, img { display: grid; place-items: center; border-radius: 50%; background: #dbe4ea; color: #24414f; font-weight: 600; overflow: hidden; }`;
  draw() {
    const side = { 'small-200': 22, small: 26, base: 32, large: 40, 'large-200': 56 }[this.get('size', 'base')] || 32;
    const made = this.get('src')
      ? h('img', { src: this.get('src'), alt: this.get('alt') })
      : h('span', { role: this.get('alt') && 'img', 'aria-label': this.get('alt') || null, 'aria-hidden': !this.get('alt') && 'true' }, this.get('initials').slice(0, 2) || drawing('person', 18));
    made.style.cssText = `width:${side}px;height:${side}px;font-size:${Math.round(side * 0.4)}px`;
    this.show(made);
  }
});

define('s-empty-state', class extends Polaris {
  static observedAttributes = ['heading'];
  static styles = `
    :host { display: block; text-align: center; padding: 2rem 1rem; } h2 { font-size: 1rem; margin: .8rem 0 .4rem; }
    .actions { display: flex; justify-content: center; flex-wrap: wrap; gap: .5rem; margin-top: 1rem; }`;
  draw() {
    this.show(slot('graphic'), this.get('heading') && h('h2', {}, this.get('heading')), slot('subheading'), h('slot'),
      h('div', { class: 'actions' }, slot('secondary-actions'), slot('primary-action')));
  }
});
