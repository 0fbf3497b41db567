/** Where rows begin, in pixels from the top. Entry n is the height of all. */
export function countOffsets(rows: readonly { key: string }[], heights: ReadonlyMap<string, number>, estimate: number): Float64Array {
  const offsets = new Float64Array(rows.length + 1);
  for (let place = 0; place < rows.length; place += 1) {
    offsets[place + 1] = (offsets[place] ?? 0) + (heights.get(rows[place]!.key) ?? estimate);
  }
  return offsets;
}

/** The row that covers this pixel; the first or last row for pixels outside. `count` rows, at least one. */
export function rowAt(offsets: Float64Array, count: number, pixel: number): number {
  let low = 0;
  let high = Math.max(0, count - 1);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= pixel) low = middle;
    else high = middle - 1;
  }
  return low;
}
