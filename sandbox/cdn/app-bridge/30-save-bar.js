/* The save bar: shown by the frame, for a form with `data-save-bar` by itself, for <ui-save-bar> on demand. */

let shownBar = null; // {save, discard, confirmDiscard} of what the bar belongs to now

function showBar(owner) {
  shownBar = owner;
  return callFrame('saveBar.show', { confirmDiscard: owner.confirmDiscard });
}

function hideBar() {
  shownBar = null;
  return callFrame('saveBar.hide');
}

onFrame('saveBar.save', () => shownBar?.save());
onFrame('saveBar.discard', () => shownBar?.discard());

// -- forms ------------------------------------------------------------------------------------------------

const startOfForm = new WeakMap();
let areFormsWatched = false;

function contentOf(form) {
  const fields = [...new FormData(form)].filter(([, value]) => typeof value === 'string');
  return JSON.stringify(fields);
}

/** Whoever is quick types before the page's last scripts are there: such a form has changed when it is first looked at. */
function watchForms() {
  areFormsWatched = true;
  for (const form of document.querySelectorAll('form[data-save-bar]')) {
    if (!startOfForm.has(form)) startOfForm.set(form, contentOf(form));
    offerToSave(form);
  }
}

function formOf(event) {
  const form = event.target.form || event.target.closest?.('form');
  return form?.hasAttribute('data-save-bar') ? form : null;
}

function onFormInput(event) {
  const form = formOf(event);
  if (!form) return;
  if (!startOfForm.has(form)) startOfForm.set(form, '');
  if (areFormsWatched) offerToSave(form);
}

function offerToSave(form) {
  const isChanged = contentOf(form) !== startOfForm.get(form);
  if (isChanged && shownBar?.form !== form) showBar(ownerOf(form));
  if (!isChanged && shownBar?.form === form) hideBar();
}

function ownerOf(form) {
  return {
    form,
    save: () => form.requestSubmit(),
    discard: () => form.reset(),
    confirmDiscard: form.hasAttribute('data-discard-confirmation'),
  };
}

function onFormSubmit(event) {
  const form = formOf(event);
  if (!form) return;
  startOfForm.set(form, contentOf(form));
  if (shownBar?.form === form) hideBar();
}

function onFormReset(event) {
  const form = formOf(event);
  if (!form) return;
  // The fields take their first values after this event.
  setTimeout(() => {
    startOfForm.set(form, contentOf(form));
    if (shownBar?.form === form) hideBar();
  });
}

// -- <ui-save-bar id> with a primary button for "save" and another for "discard" ----------------------------

function barElement(id) {
  const element = document.getElementById(id);
  if (element?.localName !== 'ui-save-bar') throw new Error(`There is no ui-save-bar with the id "${id}"`);
  return element;
}

const saveBar = {
  async show(id) {
    const element = barElement(id);
    await showBar({
      element,
      save: () => element.querySelector('button[variant="primary"]')?.click(),
      discard: () => element.querySelector('button:not([variant="primary"])')?.click(),
      confirmDiscard: element.hasAttribute('discardconfirmation'),
    });
  },
  async hide(id) {
    if (shownBar?.element === barElement(id)) await hideBar();
  },
  toggle: (id) => (shownBar?.element === barElement(id) ? saveBar.hide(id) : saveBar.show(id)),
  /** Resolves when nothing would be lost or the person leaves all the same; who stays leaves it open. */
  async leaveConfirmation() {
    const mayLeave = !shownBar || (await callFrame('saveBar.leaveConfirmation'));
    if (!mayLeave) await new Promise(() => {});
  },
};

for (const name of ['input', 'change']) document.addEventListener(name, onFormInput);
document.addEventListener('submit', onFormSubmit);
document.addEventListener('reset', onFormReset);
