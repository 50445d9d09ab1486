import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes meshes of any size as the YAML that a user would have: a Service and an EndpointSlice per service. */

export interface MeshSize {
  readonly services: number;
  readonly endpointsPerService: number;
  readonly servicesPerFile: number;
}

/** The address of one endpoint: unique up to 16 million of them. */
export function endpointAddress(service: number, endpoint: number, endpointsPerService: number): string {
  const number = service * endpointsPerService + endpoint + 1;
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

function serviceDocument(service: number): string {
  return `apiVersion: v1
kind: Service
metadata:
  name: service-${service}
  namespace: mesh
spec:
  clusterIP: 172.${16 + ((service >> 16) & 15)}.${(service >> 8) & 255}.${service & 255}
  selector:
    app: service-${service}
  ports:
  - name: http
    port: 80
    targetPort: 8080
`;
}

/** @param addresses of the endpoints, in the order in which they are listed */
function sliceDocument(service: number, addresses: readonly string[]): string {
  const endpoints = addresses
    .map((address) => `- addresses: [${address}]\n  conditions: {ready: true}\n  zone: zone-${service % 3}\n`)
    .join('');
  return `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: service-${service}-1
  namespace: mesh
  labels:
    kubernetes.io/service-name: service-${service}
addressType: IPv4
ports:
- name: http
  port: 8080
endpoints:
${endpoints}`;
}

/** The file of a mesh that holds a service. */
export function fileOfService(directory: string, service: number, size: MeshSize): string {
  return join(directory, `services-${Math.floor(service / size.servicesPerFile)}.yaml`);
}

/** Writes (again) the file that holds the services from `first` on. */
export function writeMeshFile(
  directory: string,
  first: number,
  size: MeshSize,
  addressesOf: (service: number) => readonly string[],
): void {
  const documents: string[] = [];
  const end = Math.min(first + size.servicesPerFile, size.services);
  for (let service = first; service < end; service++) {
    documents.push(serviceDocument(service), sliceDocument(service, addressesOf(service)));
  }
  writeFileSync(fileOfService(directory, first, size), documents.join('---\n'));
}

export function writeMesh(directory: string, size: MeshSize): void {
  mkdirSync(directory, { recursive: true });
  for (let first = 0; first < size.services; first += size.servicesPerFile) {
    writeMeshFile(directory, first, size, (service) =>
      Array.from({ length: size.endpointsPerService }, (_, endpoint) =>
        endpointAddress(service, endpoint, size.endpointsPerService),
      ),
    );
  }
}
