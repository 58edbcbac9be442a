/* Tiers: levels are added, moved and removed on the page, and saved together. */

import { go } from './panel.js';
import { wirePickers } from './picker.js';

const form = document.querySelector('form[data-send]');
const list = form.querySelector('[data-levels]');
const blank = document.getElementById('level');
let isRearranged = false;

document.querySelector('[data-add]').addEventListener('click', () => {
  list.append(blank.content.cloneNode(true));
  const added = list.lastElementChild;
  rearranged();
  wirePickers(added);
  added.scrollIntoView({ block: 'start' });
  added.querySelector('s-text-field').focus();
});

list.addEventListener('click', (event) => {
  const button = event.target.closest('[data-move], [data-remove]');
  const level = button?.closest('[data-level]');
  if (!level) return;
  if (button.dataset.move === '-1') level.previousElementSibling?.before(level);
  else if (button.dataset.move === '1') level.nextElementSibling?.after(level);
  else level.remove();
  rearranged();
});

list.addEventListener('input', ({ target }) => {
  if (!target.getAttribute('name')?.endsWith('.name')) return;
  target.closest('[data-level]').setAttribute('heading', target.value.trim() || 'A new tier');
});

// What was added or moved isn't part of the form's own first state.
form.addEventListener('reset', () => isRearranged && go(location.pathname));

/** The place of a level is part of its fields' names. */
function rearranged() {
  isRearranged = true;
  const levels = [...list.children];
  levels.forEach((level, place) => {
    for (const name of ['name', 'data-opens', 'data-part']) {
      for (const one of level.querySelectorAll(`[${name}^="levels."]`)) {
        one.setAttribute(name, one.getAttribute(name).replace(/^levels\.[^.]+\./, `levels.${place}.`));
      }
    }
  });
  form.querySelector('[data-none]').hidden = levels.length > 0;
  const number = form.querySelector('[name="levels"]');
  number.value = levels.length;
  number.dispatchEvent(new Event('change', { bubbles: true }));
}
