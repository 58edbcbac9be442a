/* Template: what it would change, with what is chosen right now. */

import { preview } from './panel.js';

const said = document.getElementById('said');

preview(document.querySelector('form[data-preview]'), (answer) => {
  said.classList.toggle('stale', !answer.ok);
  if (!answer.ok) return;
  const changes = answer.changes.length ? answer.changes : ['Nothing: your program is like this already.'];
  said.querySelector('[data-changes]').replaceChildren(...changes.map((text) => made('li', text)));
  said.querySelector('.warnings').replaceChildren(...answer.risks.map((text) => made('p', text)));
});

function made(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}
