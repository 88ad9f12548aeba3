// Parameters of a request: those of a form body first, then those of the URL, as Go's FormValue finds them.

export class FormValues {
  readonly url: URLSearchParams;
  readonly body: URLSearchParams;

  constructor(url: URLSearchParams, body: URLSearchParams) {
    this.url = url;
    this.body = body;
  }

  /** The first value, or "" where there is none. */
  get(name: string): string {
    return this.body.get(name) ?? this.url.get(name) ?? "";
  }

  /** All values, those of the body first. */
  all(name: string): string[] {
    return [...this.body.getAll(name), ...this.url.getAll(name)];
  }
}
