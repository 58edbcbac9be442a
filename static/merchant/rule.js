/* Rule: as a sentence, and what orders earn by it, by what is typed right now. */

import { showExamples } from './examples.js';
import { preview } from './panel.js';

const said = document.getElementById('said');

preview(document.querySelector('form[data-preview]'), (answer) => {
  said.classList.toggle('stale', !answer.ok);
  if (!answer.ok) return;
  said.querySelector('.sentence').textContent = answer.sentence;
  showExamples(document.getElementById('examples'), answer.examples);
});
