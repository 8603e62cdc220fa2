/** Has the browser save a text as a file. @param type of its content, such as text/html */
export function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has read the address by then, and reads the content from memory.
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
