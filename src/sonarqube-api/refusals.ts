import { GatepostError } from '../errors.ts';

// Refusals whose message is a wire fact of SonarQube's. The code is for our own log alone: what goes out is the message.

export function invalid(message: string): GatepostError {
  return new GatepostError('invalid', 'sonarqube_bad_request', message);
}

export function forbidden(message: string): GatepostError {
  return new GatepostError('forbidden', 'sonarqube_forbidden', message);
}

export function notFound(message: string): GatepostError {
  return new GatepostError('not_found', 'sonarqube_not_found', message);
}
