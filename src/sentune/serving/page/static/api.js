// What the page asks of the server. The key lives in this module alone, and ends with the page.

let key = "";

export const useKey = (given) => { key = given; };
export const hasKey = () => key !== "";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function asked(path, options = {}) {
  const headers = {...options.headers};
  if (key) headers.authorization = `Bearer ${key}`;
  let answer;
  try {
    answer = await fetch(path, {...options, headers, credentials: "omit"});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The server does not answer. Look whether it still runs.");
  }
  if (!answer.ok) throw new Refused(answer.status, await reason(answer));
  return answer;
}

async function reason(answer) {
  const otherwise = `The server answered with status ${answer.status}.`;
  try {
    const content = await answer.json();
    return typeof content.error === "string" ? content.error : otherwise;
  } catch {
    return otherwise;
  }
}

export const get = async (path) => (await asked(path)).json();
export const blob = async (path) => (await asked(path)).blob();
export const post = async (path, content, signal) => (await sent(path, content, signal)).json();

// What is found, and `cut`: how many tokens of the question no model has read.
export async function search(content, signal) {
  const answer = await sent("/search", content, signal);
  return {...await answer.json(), cut: Number(answer.headers.get("x-truncated-tokens"))};
}

const sent = (path, content, signal) => asked(path, {
  method: "POST",
  headers: {"content-type": "application/json"},
  body: JSON.stringify(content),
  signal,
});
