/** An organisation and its teams. */

export interface Team {
  id: number;
  slug: string;
  /** Logins and whether they have taken the invitation. */
  members: Map<string, 'active' | 'pending'>;
}

export class Organisation {
  readonly login: string;
  readonly teams = new Map<string, Team>();

  constructor(login: string) {
    this.login = login;
  }
}
