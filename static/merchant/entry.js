/* An entry of a list, such as a rule: what it means, and what orders earn by it, by what is typed right now. */

import { showExamples } from './examples.js';
import { preview } from './panel.js';

const said = document.getElementById('said');

preview(document.querySelector('form[data-preview]'), (answer) => {
  said.classList.toggle('stale', !answer.ok);
  if (!answer.ok) return;
  said.querySelector('.sentence').textContent = answer.sentence;
  said.querySelector('.soft').textContent = answer.remark;
  said.querySelector('.warnings').replaceChildren(...answer.risks.map(warning));
  showExamples(document.getElementById('examples'), answer.examples);
});

function warning(text) {
  const made = document.createElement('p');
  made.textContent = text;
  return made;
}
