/* A stand-in for Shopify's polaris.js: the s-* elements of @shopify/polaris-types that a panel needs, with the
   attributes, slots, events and form behaviour of those types, and a look of its own. Its parts are joined into one
   script; this one holds what all elements share. */

const sizes = {
  none: 0, 'small-500': 2, 'small-400': 4, 'small-300': 6, 'small-200': 8, 'small-100': 10, small: 12, base: 16,
  large: 20, 'large-100': 24, 'large-200': 32, 'large-300': 40, 'large-400': 48, 'large-500': 64,
};

const elements = {};

/** Elements are collected here and registered at the end, so that parents and children start in one go. */
function define(name, constructor) {
  elements[name] = constructor;
}

function sheet(text) {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
}

/** Styles of the page itself, for elements without a shadow tree. */
function addPageStyles(made) {
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, made];
}

/** Make an element: h('label', {class: 'x', onclick: f}, 'text', child). Falsy attributes and children are left out. */
function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false && child !== ''));
  return made;
}

const slot = (name) => h('slot', { name });

const sharedSheet = sheet(`
  *, *::before, *::after { box-sizing: border-box; }
  :host { --ink: #1d2327; --soft: #57606a; --line: #d5d9dc; --edge: #868d93; --accent: #24507a; --main: #22303a;
    --bad: #9b1c1c; --good: #14512f; --wait: #6b4a06; font: 400 .875rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
    "Helvetica Neue", Arial, sans-serif; color: var(--ink); }
  :host([hidden]) { display: none !important; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
  a { color: var(--accent); text-underline-offset: .2em; }
  button, input, select, textarea { font: inherit; color: inherit; }
  .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`);

/** An element with a shadow tree that is drawn again when an observed attribute changes. */
class Polaris extends HTMLElement {
  static styles = '';
  static shadow = { mode: 'open' };

  connectedCallback() {
    if (!this.shadowRoot) {
      this.attachShadow(this.constructor.shadow);
      this.shadowRoot.adoptedStyleSheets = [sharedSheet, styleOf(this.constructor)];
      this.start?.();
    }
    this.draw?.();
  }

  attributeChangedCallback(name, before, after) {
    if (this.shadowRoot && before !== after) this.draw?.(name);
  }

  get(name, otherwise = '') {
    return this.getAttribute(name) ?? otherwise;
  }

  is(name) {
    return this.hasAttribute(name) && this.getAttribute(name) !== 'false';
  }

  /** Draws anew; who had the focus has it afterwards too. */
  show(...nodes) {
    const focused = this.shadowRoot.activeElement;
    this.shadowRoot.replaceChildren(...nodes);
    if (focused?.isConnected) focused.focus();
    else if (focused) this.shadowRoot.querySelector(focused.localName)?.focus();
  }
}

const styleSheets = new Map();

function styleOf(constructor) {
  if (!styleSheets.has(constructor)) styleSheets.set(constructor, sheet(constructor.styles));
  return styleSheets.get(constructor);
}

/** Attributes as properties, camelCase to lower case: element.inlineSize reads "inlinesize". */
function reflect(constructor, texts, flags = []) {
  const unknown = (name) => !(name in constructor.prototype);
  for (const name of texts.filter(unknown)) {
    Object.defineProperty(constructor.prototype, name, {
      get() { return this.getAttribute(name.toLowerCase()) ?? ''; },
      set(value) { this.setAttribute(name.toLowerCase(), value ?? ''); },
    });
  }
  for (const name of flags.filter(unknown)) {
    Object.defineProperty(constructor.prototype, name, {
      get() { return this.is(name.toLowerCase()); },
      set(value) { this.toggleAttribute(name.toLowerCase(), Boolean(value)); },
    });
  }
}

// -- styles that depend on the size of a container: "@container (inline-size > 500px) 1fr 1fr, 1fr" -----------------

const ruleSheet = new CSSStyleSheet();
const rules = new Map(); // id -> css text
let lastRule = 0;
let isRuleUpdatePlanned = false;

/** Set a CSS property of an element; a responsive value becomes rules with a real container query. */
function style(element, property, value) {
  const { plain, condition, matching } = splitResponsive(value);
  const key = `data-s-${property}`;
  if (!condition) {
    rules.delete(element.getAttribute(key));
    element.style.setProperty(property, plain);
    return;
  }
  const id = element.getAttribute(key) || String(++lastRule);
  element.setAttribute(key, id);
  element.style.removeProperty(property);
  const selector = `[${key}="${id}"]`;
  rules.set(id, `${selector} { ${property}: ${plain}; } @container ${condition} { ${selector} { ${property}: ${matching}; } }`);
  planRuleUpdate();
}

function splitResponsive(value) {
  const found = /^@container\s+([^,]*?\([^)]*\))\s*(.*),\s*([^,]+)$/.exec(value.trim());
  return found ? { condition: found[1], matching: found[2], plain: found[3] } : { plain: value };
}

function planRuleUpdate() {
  if (isRuleUpdatePlanned) return;
  isRuleUpdatePlanned = true;
  queueMicrotask(() => {
    isRuleUpdatePlanned = false;
    ruleSheet.replaceSync([...rules.values()].join('\n'));
  });
}

/** Keywords of sizes in a value, each to pixels, also inside a responsive value. */
function inPixels(value) {
  return value.replace(/[a-z]+(?:-\d00)?(?![\w(-])/g, (word) => (word in sizes ? `${sizes[word]}px` : word));
}

addPageStyles(ruleSheet);
