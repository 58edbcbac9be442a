/* Buttons, links and what can be pressed. */

/** command="--show" commandfor="id": what a button does to an overlay. */
function runCommand(source) {
  const target = document.getElementById(source.getAttribute('commandfor') || '');
  if (!target) return;
  const command = source.getAttribute('command') || '--auto';
  if (command === '--show') target.showOverlay?.(source);
  else if (command === '--hide') target.hideOverlay?.();
  else target.toggleOverlay?.(source);
}

/** Something to press: a <button>, or with `href` a link, drawn by the class that extends this. */
class Action extends Polaris {
  static formAssociated = true;
  static shadow = { mode: 'open', delegatesFocus: true };
  static observedAttributes = [
    'tone', 'variant', 'icon', 'disabled', 'loading', 'href', 'target', 'download', 'accessibilitylabel', 'inlinesize', 'type', 'pressed',
  ];

  constructor() {
    super();
    this.internals = this.attachInternals();
  }

  /** The inner element, with the host's label and state. */
  inner(className, ...children) {
    const label = this.get('accessibilitylabel') || null;
    if (this.get('href') && !this.is('disabled')) {
      const target = this.get('target') === 'auto' ? null : this.get('target') || null;
      const rel = target === '_blank' ? 'noopener noreferrer' : null;
      const download = this.hasAttribute('download') ? this.get('download') : null;
      return h('a', { class: className, href: this.get('href'), target, rel, download, 'aria-label': label }, ...children);
    }
    return h('button', {
      type: 'button', class: className, disabled: this.is('disabled'), 'aria-label': label, onclick: () => this.act(),
      // Loading is no reason to lose the focus.
      'aria-disabled': this.is('loading') && 'true', 'aria-busy': this.is('loading') && 'true',
    }, ...children);
  }

  act() {
    if (this.is('loading')) return;
    if (this.hasAttribute('commandfor')) runCommand(this);
    const form = this.internals.form;
    if (form && this.get('type') === 'submit') form.requestSubmit();
    if (form && this.get('type') === 'reset') form.reset();
  }

  click() {
    this.shadowRoot?.firstElementChild?.click();
  }
}

class Button extends Action {
  static styles = `
    :host { display: inline-block; max-width: 100%; } :host([inlinesize="fill"]) { display: block; }
    .button { display: inline-flex; align-items: center; justify-content: center; gap: .4rem; width: 100%; min-height: 2.1rem;
      padding: .35rem .85rem; border: 1px solid var(--edge); border-radius: 8px; background: #fff; color: var(--ink);
      font-weight: 550; line-height: 1.3; text-decoration: none; cursor: pointer; }
    .button:hover { background: #f0f2f3; }
    .primary { background: var(--main); border-color: var(--main); color: #fff; } .primary:hover { background: #33454f; }
    .tertiary { background: transparent; border-color: transparent; color: var(--accent); } .tertiary:hover { background: #e9edef; }
    .critical { color: var(--bad); border-color: var(--bad); } .tertiary.critical { border-color: transparent; }
    .primary.critical { background: var(--bad); border-color: var(--bad); color: #fff; }
    .icon-only { padding-inline: .5rem; }
    .button:is([disabled], [aria-disabled]) { cursor: default; color: #59626a; background: #eceeef; border-color: #d5d9dc; }
    .button.pressed { background: #dfe5e9; border-color: var(--main); }
    .wheel { width: 1em; height: 1em; border: 2px solid currentColor; border-top-color: transparent; border-radius: 50%; animation: turn .8s linear infinite; }
    @keyframes turn { to { transform: rotate(1turn); } }`;

  draw() {
    const hasText = this.textContent.trim() !== '';
    const classes = ['button', this.variantName(), this.get('tone'), !hasText && this.get('icon') && 'icon-only', this.is('pressed') && 'pressed'];
    const made = this.inner(classes.filter(Boolean).join(' '),
      this.is('loading') ? h('span', { class: 'wheel' }) : this.get('icon') && drawing(this.get('icon'), 18), h('slot'));
    if (this.localName === 's-press-button') made.setAttribute('aria-pressed', String(this.is('pressed')));
    this.show(made);
  }

  /** The primary action of a page or a section is primary by itself. */
  variantName() {
    const variant = this.get('variant', 'auto');
    if (variant !== 'auto') return variant;
    return this.slot === 'primary-action' && this.closest('s-page, s-modal') === this.parentElement ? 'primary' : 'secondary';
  }
}
reflect(Button, ['tone', 'variant', 'icon', 'href', 'type', 'accessibilityLabel'], ['disabled', 'loading']);
define('s-button', Button);
define('s-press-button', class extends Button {
  act() {
    this.toggleAttribute('pressed');
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }
});

define('s-button-group', class extends Polaris {
  static styles = ':host { display: flex; flex-wrap: wrap; gap: .5rem; } :host([gap="none"]) { gap: 0; }';
  draw() {
    this.role = 'group';
    if (this.get('accessibilitylabel')) this.ariaLabel = this.get('accessibilitylabel');
    this.show(slot('secondary-actions'), h('slot'), slot('primary-action'));
  }
});

define('s-link', class extends Action {
  static styles = `
    :host { display: inline; } a, button { color: var(--accent); font: inherit; text-decoration: underline; text-underline-offset: .2em; }
    button { border: 0; padding: 0; background: none; cursor: pointer; } .critical { color: var(--bad); } .neutral { color: inherit; }`;
  draw() {
    if (this.parentElement?.localName !== 's-app-nav') this.show(this.inner(this.get('tone'), h('slot')));
  }
});

/** Any content, to press; its box attributes are those of s-box. */
define('s-clickable', class extends Action {
  static observedAttributes = [...Action.observedAttributes, ...Box.observedAttributes];
  static styles = `
    :host { display: block; } a, button { display: block; width: 100%; height: 100%; text-align: start; text-decoration: none; color: inherit; border: 0; padding: 0; background: none; cursor: pointer; border-radius: inherit; }
    :host(:hover) { filter: brightness(.975); }`;
  apply = Box.prototype.apply;
  applyBorder = Box.prototype.applyBorder;
  applyVisibility = Box.prototype.applyVisibility;
  draw(changed) {
    if (changed && Box.observedAttributes.includes(changed)) {
      if (changed !== 'accessibilitylabel') this.apply(changed);
      return;
    }
    const boxed = this.getAttributeNames().filter((name) => Box.observedAttributes.includes(name) && name !== 'accessibilitylabel');
    boxed.forEach((name) => this.apply(name));
    this.show(this.inner('', h('slot')));
  }
});

const chipStyles = `
  :host { display: inline-block; vertical-align: middle; }
  .chip { display: inline-flex; align-items: center; gap: .35rem; padding: .15rem .6rem; border: 1px solid var(--line); border-radius: 8px; background: #eef1f2; color: inherit; text-decoration: none; font-size: .8125rem; }
  button { font: inherit; } .remove { border: 0; background: none; padding: 0; line-height: 0; cursor: pointer; }
  button.chip, a.chip { cursor: pointer; }`;

function removeButton(chip) {
  return chip.is('removable') && h('button', {
    type: 'button', class: 'remove', 'aria-label': `Remove ${chip.textContent.trim()}`,
    onclick: () => chip.dispatchEvent(new Event('remove', { bubbles: true })),
  }, drawing('x', 14));
}
define('s-chip', class extends Polaris {
  static observedAttributes = ['color', 'removable', 'accessibilitylabel'];
  static styles = chipStyles;
  draw() {
    this.show(h('span', { class: 'chip' }, slot('graphic'), h('slot'), removeButton(this)));
  }
});
define('s-clickable-chip', class extends Action {
  static styles = chipStyles;
  draw() {
    this.show(this.inner('chip', slot('graphic'), h('slot')), removeButton(this) || '');
  }
});
