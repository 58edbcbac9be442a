/* Registers every element. App Bridge reads <s-app-nav>; on the page itself it shows nothing. */

define('s-app-nav', class extends HTMLElement {});

for (const [name, constructor] of Object.entries(elements)) {
  if (!customElements.get(name)) customElements.define(name, constructor);
}
