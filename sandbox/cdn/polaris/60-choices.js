/* Fields to choose in: select, checkbox, switch, lists of choices. */

class Select extends Field {
  start() {
    super.start();
    new MutationObserver(() => this.fill()).observe(this, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ['value', 'selected', 'disabled', 'label'] });
    this.fill();
  }

  makeControl() {
    return h('select');
  }

  dress() {
    super.dress();
    this.control.removeAttribute('placeholder');
  }

  fill() {
    const first = this.get('placeholder') && h('option', { value: '', disabled: true, hidden: true }, this.get('placeholder'));
    this.control.replaceChildren(...[first, ...optionsIn(this)].filter(Boolean));
    this.put(this.typed ?? this.startValue());
  }

  startValue() {
    if (this.hasAttribute('value')) return this.get('value');
    const options = [...this.querySelectorAll('s-option')];
    const chosen = options.find((option) => option.hasAttribute('selected')) || (this.get('placeholder') ? null : options[0]);
    return chosen ? valueOf(chosen) : '';
  }

  draw(changed) {
    super.draw(changed);
    if (!changed || changed === 'value') this.put(this.typed ?? this.startValue());
  }

  get value() { return this.typed ?? this.startValue(); }
  set value(value) { super.value = value; }

  formResetCallback() {
    this.typed = null;
    this.put(this.startValue());
  }
}
define('s-select', Select);
define('s-option', class extends HTMLElement {});
define('s-option-group', class extends HTMLElement {});

function valueOf(option) {
  return option.getAttribute('value') ?? option.textContent.trim();
}

function optionsIn(parent) {
  return [...parent.children].map((child) => {
    const isDisabled = child.hasAttribute('disabled');
    if (child.localName === 's-option-group') return h('optgroup', { label: child.getAttribute('label') || '', disabled: isDisabled }, ...optionsIn(child));
    return child.localName === 's-option' && h('option', { value: valueOf(child), disabled: isDisabled }, child.textContent.trim());
  }).filter(Boolean);
}

addPageStyles(sheet('s-option, s-option-group { display: none; }'));

class Checkbox extends Field {
  static observedAttributes = [...Field.observedAttributes, 'checked', 'indeterminate'];
  static styles = `${fieldStyles}
    .line { display: flex; gap: .55rem; align-items: start; } .line label { font-weight: 400; margin: 0; cursor: pointer; }
    input { flex: none; width: 1.1rem; height: 1.1rem; min-height: 0; margin: .12rem 0 0; accent-color: var(--main); }
    input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    .details, .error { margin-inline-start: 1.65rem; }`;

  start() {
    super.start();
    // Before the element tells of the change: whoever hears of it asks what is checked now.
    this.control.addEventListener('change', () => this.check(this.control.checked), { capture: true });
  }

  makeControl() {
    return h('input', { type: 'checkbox' });
  }

  draw(changed) {
    this.dress();
    if (this.drawnBelow(changed)) return;
    this.control.indeterminate = this.is('indeterminate');
    const label = h('label', { for: this.control.id }, this.get('label'));
    this.show(this.frame('', h('div', { class: 'line' }, this.control, label)));
    if (!changed || changed === 'checked') this.reflectChecked();
  }

  reflectChecked() {
    this.control.checked = this.checked;
    this.internals.setFormValue(this.checked ? this.value : null);
  }

  check(isChecked) {
    this.isChecked = isChecked;
    this.internals.setFormValue(isChecked ? this.value : null);
  }

  take() {}
  onKey() {}
  put() {}

  get checked() { return this.isChecked ?? this.is('checked'); }
  set checked(isChecked) {
    this.isChecked = Boolean(isChecked);
    if (this.shadowRoot) this.reflectChecked();
  }

  get value() { return this.get('value', 'on'); }
  set value(value) { this.setAttribute('value', value); }

  formResetCallback() {
    this.isChecked = undefined;
    this.reflectChecked();
  }
}
define('s-checkbox', Checkbox);
define('s-switch', class extends Checkbox {
  static styles = `${Checkbox.styles}
    input { appearance: none; width: 2.1rem; height: 1.25rem; border-radius: 1rem; background: #79828a; position: relative; cursor: pointer; margin-top: .05rem; transition: background .15s; }
    input::after { content: ""; position: absolute; inset-block-start: .175rem; inset-inline-start: .2rem; width: .9rem; height: .9rem; border-radius: 50%; background: #fff; transition: inset-inline-start .15s; }
    input:checked { background: var(--main); } input:checked::after { inset-inline-start: 1rem; }
    input[disabled] { background: #c3c9cd; } .details, .error { margin-inline-start: 2.65rem; }
    @media (forced-colors: active) { input { appearance: auto; } }
    @media (prefers-reduced-motion: reduce) { input, input::after { transition: none; } }`;
  makeControl() {
    return h('input', { type: 'checkbox', role: 'switch' });
  }
});

class ChoiceList extends Field {
  static observedAttributes = [...Field.observedAttributes, 'multiple', 'values'];
  static styles = `${fieldStyles}
    fieldset { border: 0; padding: 0; margin: 0; min-width: 0; } .choices { display: grid; gap: .45rem; }
    .choice { display: flex; gap: .55rem; align-items: start; } .choice label { font-weight: 400; margin: 0; cursor: pointer; }
    .choice input { flex: none; width: 1.1rem; height: 1.1rem; min-height: 0; margin: .12rem 0 0; accent-color: var(--main); }
    .choice input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    .choice .details { margin: 0; }`;

  start() {
    this.group = `choices-${++lastField}`;
    new MutationObserver(() => this.draw()).observe(this, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ['value', 'selected', 'disabled'] });
  }

  draw(changed) {
    if (this.drawnBelow(changed)) return;
    const legend = h('legend', {}, this.get('label'));
    const choices = h('div', { class: 'choices' }, ...this.choices().map((choice, place) => this.line(choice, place)));
    const isHeard = this.get('labelaccessibilityvisibility') === 'exclusive';
    this.show(h('fieldset', { class: [isHeard && 'heard', this.get('error') && 'invalid'].filter(Boolean).join(' '), 'aria-describedby': 'error details', disabled: this.is('disabled') || this.isOff },
      legend, choices, ...this.below()));
    this.tellForm();
  }

  choices() {
    return [...this.children].filter((child) => child.localName === 's-choice');
  }

  line(choice, place) {
    const id = `${this.group}-${place}`;
    const words = [...choice.childNodes].filter((node) => !node.slot).map((node) => node.textContent).join('').trim();
    const details = choice.querySelector('[slot="details"]')?.textContent.trim();
    const input = h('input', { id, type: this.is('multiple') ? 'checkbox' : 'radio', name: this.group, value: valueOf(choice), disabled: choice.hasAttribute('disabled'), 'aria-describedby': details && `${id}-details` });
    input.checked = this.values.includes(valueOf(choice));
    input.addEventListener('change', () => this.pick());
    return h('div', { class: 'choice' }, input, h('div', {}, h('label', { for: id }, words), details && h('p', { class: 'details', id: `${id}-details` }, details)));
  }

  pick() {
    this.picked = [...this.shadowRoot.querySelectorAll('input')].filter((input) => input.checked).map((input) => input.value);
    this.tellForm();
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }

  tellForm() {
    const data = new FormData();
    if (this.get('name')) this.values.forEach((value) => data.append(this.get('name'), value));
    this.internals.setFormValue(data);
  }

  get values() {
    return this.picked ?? this.choices().filter((choice) => choice.hasAttribute('selected')).map(valueOf);
  }
  set values(values) {
    this.picked = [...values];
    if (this.shadowRoot) this.draw();
  }

  get value() { return this.values[0] ?? ''; }
  set value(value) { this.values = [value]; }

  formResetCallback() {
    this.picked = undefined;
    this.draw();
  }
}
define('s-choice-list', ChoiceList);
define('s-choice', class extends HTMLElement {});
