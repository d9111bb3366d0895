/** Telling every validator of a certificate, once per certificate. */
import type { Certificate } from "@stoa/protocol/finality/certificate";
import { broadcast, type Replica } from "./state.ts";

export function announce(replica: Replica, certificate: Certificate): void {
  const announced = replica.certificates.get(certificate.view)?.announced;
  if (announced?.has(certificate.kind)) return;
  announced?.add(certificate.kind);
  broadcast(replica, { kind: "certificate", certificate });
}
