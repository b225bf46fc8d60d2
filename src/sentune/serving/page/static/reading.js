// A hit's text in parts: what the words of the question match, and the piece that was found.

// The server counts characters; a script counts halves of those beyond 65,535.
function places(text) {
  if (!/[\ud800-\udfff]/.test(text)) return (at) => at;
  const starts = [];
  let at = 0;
  for (const character of text) {
    starts.push(at);
    at += character.length;
  }
  starts.push(at);
  return (place) => starts[Math.min(place, starts.length - 1)];
}

// [{text, marked, inPiece}] for a hit; joined they are its text from start to end.
export function parts(hit, start = 0, end = hit.text.length) {
  const at = places(hit.text);
  const marks = (hit.marks ?? []).map(([a, b]) => [at(a), at(b)]);
  const piece = pieceOf(hit);
  const cuts = new Set([start, end]);
  for (const edge of [...marks.flat(), ...piece]) if (edge > start && edge < end) cuts.add(edge);
  const sorted = [...cuts].sort((a, b) => a - b);
  const found = [];
  let next = 0;
  for (let number = 0; number + 1 < sorted.length; number += 1) {
    const [from, to] = [sorted[number], sorted[number + 1]];
    while (next < marks.length && marks[next][1] <= from) next += 1;
    found.push({
      text: hit.text.slice(from, to),
      marked: next < marks.length && marks[next][0] <= from,
      inPiece: hit.pieces > 1 && from >= piece[0] && to <= piece[1],
    });
  }
  return found;
}

// Where the piece that was found stands in the text.
export function pieceOf(hit) {
  const start = hit.pieces > 1 && hit.piece ? hit.text.indexOf(hit.piece) : 0;
  return start < 0 ? [0, hit.text.length] : [start, start + (hit.piece ?? hit.text).length];
}

// Where a short view of the hit begins: a little before its first marked word in the piece.
export function beginning(hit) {
  const [start, end] = pieceOf(hit);
  const at = places(hit.text);
  const first = (hit.marks ?? []).map(([a]) => at(a)).find((a) => a >= start && a < end);
  if (first === undefined || first < start + 160) return start;
  const blank = hit.text.indexOf(" ", first - 60);
  return blank >= 0 && blank < first ? blank + 1 : first;
}

// The headings above a passage, which an index keeps as JSON.
export function headings(fields) {
  const given = fields?.headings;
  if (typeof given !== "string") return [];
  try {
    const listed = JSON.parse(given);
    return Array.isArray(listed) ? listed.map(String) : [given];
  } catch {
    return [given];
  }
}

export const nameOf = (hit) => `${hit.source}\u0000${hit.id}`;
export const fileOf = (source) => source.split(/[\\/]/).pop();
export const figure = (value) =>
  value === null || value === undefined ? "–" : Number(value).toFixed(Math.abs(value) < 10 ? 3 : 1);
