/* Program: what example orders earn by what is typed right now. */

import { preview } from './panel.js';

const list = document.getElementById('examples');

preview(document.querySelector('form[data-preview]'), (answer) => {
  list.classList.toggle('stale', !answer.ok);
  if (answer.ok) list.replaceChildren(...answer.examples.map(row));
});

function row({ order, points, why }) {
  const made = document.createElement('li');
  for (const [name, text, kind] of [['span', order, 'order'], ['strong', points, 'points'], ['span', why, 'why']]) {
    const part = document.createElement(name);
    part.className = `example-${kind}`;
    part.textContent = text;
    made.append(part);
  }
  return made;
}
