/* Fields to type into. They belong to their form: name, value, reset; their label, details and error are read out. */

let lastField = 0;

const fieldStyles = `
  :host { display: block; min-width: 0; }
  label, legend { display: block; font-weight: 500; margin-bottom: .25rem; padding: 0; }
  .heard label, .heard legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .control { display: flex; align-items: center; gap: .4rem; background: #fff; border: 1px solid var(--edge); border-radius: 8px; padding-inline: .65rem; }
  .control:focus-within { outline: 2px solid var(--accent); outline-offset: 1px; }
  input, textarea, select { flex: 1; width: 100%; min-width: 0; min-height: 2.1rem; border: 0; background: transparent; padding: .3rem 0; outline: none; border-radius: 0; }
  .control :is(input, textarea, select):focus-visible { outline: none; }
  textarea { resize: vertical; line-height: 1.5; }
  .fix { color: var(--soft); white-space: nowrap; }
  .invalid .control { border-color: var(--bad); box-shadow: 0 0 0 1px var(--bad); background: #fff7f6; }
  .off .control { background: #eceeef; border-color: var(--line); }
  .details { color: var(--soft); font-size: .8125rem; margin: .25rem 0 0; }
  .error { color: var(--bad); font-size: .8125rem; margin: .25rem 0 0; display: flex; gap: .3rem; align-items: start; }
  .error svg { flex: none; margin-top: .1rem; }`;

/** A form-associated element around one inner control. */
class Field extends Polaris {
  static formAssociated = true;
  static shadow = { mode: 'open', delegatesFocus: true };
  static styles = fieldStyles;
  static observedAttributes = [
    'label', 'details', 'error', 'placeholder', 'disabled', 'readonly', 'required', 'min', 'max', 'step', 'minlength', 'maxlength',
    'prefix', 'suffix', 'icon', 'rows', 'autocomplete', 'labelaccessibilityvisibility', 'accessibilitylabel', 'value', 'currencycode', 'name',
  ];

  constructor() {
    super();
    this.internals = this.attachInternals();
    this.typed = null; // null: nobody typed yet, the attribute counts
  }

  start() {
    this.control = this.makeControl();
    this.control.id = `field-${++lastField}`;
    this.control.addEventListener('input', () => this.take(this.control.value));
    // "change" does not leave a shadow tree by itself.
    this.control.addEventListener('change', () => this.dispatchEvent(new Event('change', { bubbles: true })));
    this.control.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** Enter submits, as in a plain form. */
  onKey(event) {
    if (event.key === 'Enter' && this.control.localName === 'input' && !event.isComposing) this.internals.form?.requestSubmit();
  }

  draw(changed) {
    if (changed === 'value') {
      if (this.typed === null) this.put(this.get('value'));
      return;
    }
    this.dress();
    if (this.drawnBelow(changed)) return;
    const hadFocus = this.shadowRoot.activeElement === this.control;
    this.show(this.frame(h('label', { for: this.control.id }, this.get('label')), this.box()));
    if (hadFocus) this.control.focus();
    if (!changed) this.put(this.typed ?? this.get('value'));
  }

  makeControl() {
    return h('input', { type: this.constructor.type || 'text', inputmode: this.constructor.inputMode });
  }

  /** The inner control's attributes from the host's. */
  dress() {
    const copied = { placeholder: 'placeholder', min: 'min', max: 'max', step: 'step', minlength: 'minlength', maxlength: 'maxlength', rows: 'rows', autocomplete: 'autocomplete' };
    for (const [own, inner] of Object.entries(copied)) {
      if (this.hasAttribute(own)) this.control.setAttribute(inner, this.get(own));
      else this.control.removeAttribute(inner);
    }
    this.control.disabled = this.is('disabled') || this.isOff;
    if ('readOnly' in this.control) this.control.readOnly = this.is('readonly');
    this.control.ariaRequired = this.is('required') ? 'true' : null;
    this.control.ariaInvalid = this.get('error') ? 'true' : null;
    this.control.ariaLabel = this.get('accessibilitylabel') || null;
    this.control.setAttribute('aria-describedby', 'error details');
  }

  box() {
    return h('div', { class: 'control' },
      this.get('icon') && drawing(this.get('icon'), 18),
      this.get('prefix') && h('span', { class: 'fix' }, this.get('prefix')),
      this.control,
      this.get('suffix') && h('span', { class: 'fix' }, this.get('suffix')),
      slot('accessory'));
  }

  /** Around the control: label, then error, then details. */
  frame(label, ...control) {
    const isHeard = this.get('labelaccessibilityvisibility') === 'exclusive';
    const classes = [isHeard && 'heard', this.get('error') && 'invalid', (this.is('disabled') || this.isOff) && 'off'];
    return h('div', { class: classes.filter(Boolean).join(' ') }, label, ...control, ...this.below());
  }

  /** A new error or detail is put in place, so that who is typing goes on typing. */
  drawnBelow(changed) {
    if (changed !== 'error' && changed !== 'details') return false;
    for (const node of this.below()) this.shadowRoot.getElementById(node.id).replaceWith(node);
    this.shadowRoot.firstElementChild.classList.toggle('invalid', this.get('error') !== '');
    return true;
  }

  below() {
    return [
      h('p', { id: 'error', class: 'error', hidden: !this.get('error') }, this.get('error') && drawing('alert-circle', 16), this.get('error')),
      h('p', { id: 'details', class: 'details', hidden: !this.get('details') }, this.get('details')),
    ];
  }

  // -- value and form -------------------------------------------------------------------------------------------

  put(value) {
    this.control.value = value;
    this.internals.setFormValue(value);
  }

  take(value) {
    this.typed = value;
    this.internals.setFormValue(value);
  }

  get value() { return this.typed ?? this.get('value'); }
  set value(value) {
    this.typed = String(value ?? '');
    if (this.shadowRoot) this.put(this.typed);
  }

  get form() { return this.internals.form; }

  formResetCallback() {
    this.typed = null;
    this.put(this.get('value'));
  }

  formDisabledCallback(isOff) {
    this.isOff = isOff;
    if (this.shadowRoot) this.draw('disabled');
  }
}
reflect(Field, ['label', 'details', 'error', 'name', 'placeholder', 'min', 'max', 'step', 'prefix', 'suffix'], ['disabled', 'required', 'readOnly']);

define('s-text-field', class extends Field {});
define('s-email-field', class extends Field { static type = 'email'; });
define('s-url-field', class extends Field { static type = 'url'; });
define('s-password-field', class extends Field { static type = 'password'; });
define('s-date-field', class extends Field { static type = 'date'; });
define('s-number-field', class extends Field {
  // A number control drops what it can't read; a text control keeps it, so that an error can stand beside it.
  static inputMode = 'decimal';
});
define('s-money-field', class extends Field {
  static inputMode = 'decimal';
  box() {
    const code = this.get('currencycode');
    const box = super.box();
    if (code) box.prepend(h('span', { class: 'fix' }, currencySign(code)));
    return box;
  }
});
define('s-search-field', class extends Field {
  static type = 'search';
  box() {
    const box = super.box();
    if (!this.get('icon')) box.prepend(drawing('search', 18));
    return box;
  }
});
define('s-text-area', class extends Field {
  makeControl() { return h('textarea', { rows: 3 }); }
});
define('s-color-field', class extends Field {
  box() {
    const box = super.box();
    const swatch = h('input', { type: 'color', 'aria-label': `${this.get('label')}: choose`, value: /^#[0-9a-f]{6}$/i.test(this.value) && this.value });
    swatch.addEventListener('input', () => {
      this.put(swatch.value);
      this.take(swatch.value);
    });
    swatch.style.cssText = 'flex:none;width:2rem;padding:0';
    box.prepend(swatch);
    return box;
  }
});

function currencySign(code) {
  const parts = new Intl.NumberFormat('en', { style: 'currency', currency: code, currencyDisplay: 'narrowSymbol' }).formatToParts(0);
  return parts.find((part) => part.type === 'currency').value;
}
