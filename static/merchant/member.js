/* Member: one key for each visit of the form, so that a change is booked once; the download of all data. */

for (const form of document.querySelectorAll('form[data-key]')) {
  form.querySelector('[name="key"]').value = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

for (const button of document.querySelectorAll('[data-download]')) {
  button.addEventListener('click', () => download(button));
}

/** A download by link would carry no token. */
async function download(button) {
  button.loading = true;
  const answer = await fetch(button.dataset.download);
  button.loading = false;
  if (!answer.ok) {
    shopify.toast.show('The data could not be fetched. Please try again.', { isError: true });
    return;
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = button.dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
