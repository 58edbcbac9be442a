/* Program: what example orders earn, and when points lapse, by what is typed right now. */

import { showExamples } from './examples.js';
import { preview } from './panel.js';

const list = document.getElementById('examples');
const lapsing = document.getElementById('lapsing');
const form = document.querySelector('form[data-preview]');
const policy = form.querySelector('[name="expiry.policy"]');

preview(form, (answer) => {
  for (const part of [list, lapsing]) part.classList.toggle('stale', !answer.ok);
  if (!answer.ok) return;
  showExamples(list, answer.examples);
  lapsing.replaceChildren(...answer.lapsing.map(sentence));
});

policy.addEventListener('change', showPolicy);
form.addEventListener('reset', () => setTimeout(showPolicy));
showPolicy();

/** Each policy of expiry has fields of its own; the others are left out of sight. */
function showPolicy() {
  const chosen = policy.value || policy.getAttribute('value');
  for (const part of form.querySelectorAll('[data-policy]')) {
    part.hidden = !part.dataset.policy.split(' ').includes(chosen);
  }
}

function sentence(text) {
  const made = document.createElement('p');
  made.textContent = text;
  return made;
}
