/* What example orders earn: the list beside a form, drawn anew while one types. */

export function showExamples(list, examples) {
  list.replaceChildren(...examples.map(row));
}

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
