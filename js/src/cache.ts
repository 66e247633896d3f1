/** Values within a budget of bytes; the one used longest ago goes first. */
export class Cache<V> {
  private readonly entries = new Map<string, { value: V; bytes: number }>();
  private held = 0;

  constructor(private readonly budget: number) {}

  get bytes(): number {
    return this.held;
  }

  get(key: string): V | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    // A Map keeps the order of insertion: the newest stands last.
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  /** Keep a value; it stays even if it alone is over the budget. */
  put(key: string, value: V, bytes: number): void {
    this.forget(key);
    this.entries.set(key, { value, bytes });
    this.held += bytes;
    for (const oldest of [...this.entries.keys()]) {
      if (this.held <= this.budget || oldest === key) break;
      this.forget(oldest);
    }
  }

  clear(): void {
    this.entries.clear();
    this.held = 0;
  }

  private forget(key: string): void {
    this.held -= this.entries.get(key)?.bytes ?? 0;
    this.entries.delete(key);
  }
}
