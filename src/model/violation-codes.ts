import { securityCodes } from './security-codes.ts';
import { nacosCodes } from './nacos-codes.ts';

/**
 * What can be wrong with a configuration object, under codes that stay the same over versions. Istio's own codes are reused where
 * the meaning is equal (policy P443); `WEIR1xxx` are Weir's. `docs/errors.md` explains each to the person who wrote the object.
 */
export interface ViolationCode {
  readonly title: string;
  readonly meaning: string;
  /** What to do in general; a violation itself carries what to do in its case. */
  readonly remedy: string;
}

export const violationCodes = {
  WEIR1001: {
    title: 'Unknown field',
    meaning: 'The object has a field that its API does not know',
    remedy: 'Correct the name, or the place: fields count only where the API has them',
  },
  WEIR1002: {
    title: 'Wrong type',
    meaning: 'A field holds another type of value than its API says, for example a number where text is expected',
    remedy: 'Write the value in the expected type; YAML takes unquoted 1, true and 1.0 for numbers and booleans',
  },
  WEIR1003: {
    title: 'Unknown word',
    meaning: 'A field that takes one of a few words holds another one',
    remedy: 'Use one of the words that the message lists; they are case-sensitive',
  },
  WEIR1004: {
    title: 'Out of range',
    meaning: 'A number is below or above what the field, or the proxy, accepts',
    remedy: 'Choose a number within the range that the message names',
  },
  WEIR1005: {
    title: 'Missing field',
    meaning: 'A field that is needed here is absent or empty',
    remedy: 'Add the field',
  },
  WEIR1006: {
    title: 'Fields exclude each other',
    meaning: 'Two fields of which at most one may be set are both set',
    remedy: 'Decide on one of them and remove the other',
  },
  WEIR1007: {
    title: 'Malformed data',
    meaning:
      'The object is not plain data: null in a list, a reserved key, nesting without end, a spec that is no mapping',
    remedy: 'Look at the place for a forgotten value, a stray dash or wrong indentation',
  },
  WEIR1008: {
    title: 'Too large',
    meaning:
      'The object, a list or a text of it is larger than Weir accepts, because it would slow down everybody else',
    remedy: 'Split the object, or shorten the value',
  },
  WEIR1009: {
    title: 'Not in force yet',
    meaning: 'The field is legal in Istio, but Weir does not act on it yet; the rest of the object is in force',
    remedy: 'Remove the field, or do not count on it',
  },
  WEIR1010: {
    title: 'Invalid host',
    meaning: 'A host is no DNS name, no wildcard of the form *.suffix, and no IP address where one is allowed',
    remedy: 'Write a DNS name of letters, digits, dashes and dots',
  },
  WEIR1011: {
    title: 'Invalid address',
    meaning: 'An address is no IP address, no CIDR, or no path of a socket where one is expected',
    remedy: 'Write it like 10.0.0.1, 10.0.0.0/8, fd00::1 or unix:///path',
  },
  WEIR1012: {
    title: 'Invalid duration',
    meaning:
      'A duration is not of the form 1h, 1m, 1.5s or 100ms, is shorter than 1ms, or does not consist of whole milliseconds',
    remedy: 'Write a number with a unit, as text',
  },
  WEIR1013: {
    title: 'Invalid regular expression',
    meaning:
      'A regular expression is not RE2, or larger than a proxy accepts; the proxy would refuse the whole route table',
    remedy: 'Rewrite it without look-around and back-references, with at most 1,024 characters',
  },
  WEIR1014: {
    title: 'Regular expression reads letters beyond ASCII',
    meaning:
      'Proxies compare byte by byte, so that a letter beyond ASCII counts as several in classes and before repetitions',
    remedy: 'Match such letters as whole words only, or in their percent-encoded form',
  },
  WEIR1015: {
    title: 'Invalid header name',
    meaning: 'A header name is empty or holds characters that no HTTP header has',
    remedy: 'Use letters, digits and dashes',
  },
  WEIR1016: {
    title: 'Invalid header value',
    meaning: 'A header value holds a line break, an unescaped percent sign, or a %COMMAND% that proxies do not know',
    remedy: 'Write %% for a percent sign, and commands exactly as the documentation of Envoy has them',
  },
  WEIR1017: {
    title: 'Protected header',
    meaning: 'A header operation names a pseudo header such as :path, or Host where it cannot be changed',
    remedy: 'Use rewrite for the path and the authority',
  },
  WEIR1018: {
    title: 'Invalid label',
    meaning: 'A label name or value is not what Kubernetes accepts',
    remedy: 'Use up to 63 letters, digits, dashes, underscores and dots, beginning and ending with a letter or digit',
  },
  WEIR1019: {
    title: 'Invalid name',
    meaning: 'The name of a subset, port, namespace or gateway is not a DNS label',
    remedy: 'Use up to 63 letters, digits and dashes, beginning and ending with a letter or digit',
  },
  WEIR1020: {
    title: 'Invalid exportTo',
    meaning: 'exportTo holds something else than ., *, ~ or a namespace, or values that make no sense together',
    remedy: 'Write either one of ., *, ~ or a list of namespaces',
  },
  WEIR1021: {
    title: 'Without effect',
    meaning: 'A setting is in force but does nothing, because of another setting or the lack of one',
    remedy: 'Add what is missing, or remove the setting',
  },
  WEIR1022: {
    title: 'Invalid path',
    meaning: 'A path to redirect or rewrite to does not begin with a slash: the address that comes out is broken',
    remedy: 'Begin the path with a slash; use authority and scheme for the other parts of an address',
  },
  IST0002: {
    title: 'Deprecated',
    meaning: 'The field still acts, but its API has replaced it',
    remedy: 'Move to the field that the message names',
  },
  WEIR1101: {
    title: 'Host * on the mesh',
    meaning: 'A VirtualService for all sidecars names the host *, which would take over every service of the mesh',
    remedy: 'Name the hosts, or bind the object to a gateway',
  },
  WEIR1102: {
    title: 'Overlapping hosts',
    meaning: 'One VirtualService names a host twice, or a host and a wildcard that covers it',
    remedy: 'Remove the covered host, or give it a VirtualService of its own',
  },
  WEIR1103: {
    title: 'Route without action',
    meaning: 'A route has no route, redirect, directResponse or delegate: it would not know what to do with a request',
    remedy: 'Add one of them; an http list of a VirtualService must not be empty either when there is no tcp or tls',
  },
  WEIR1104: {
    title: 'Several actions',
    meaning:
      'A route has several of route, redirect, directResponse and delegate, or settings that need another action',
    remedy: 'Keep one action, and only the settings that go with it',
  },
  WEIR1105: {
    title: 'Impossible weights',
    meaning: 'A weight is negative, all weights of a route are zero, or their sum is larger than proxies can count',
    remedy: 'Write weights of zero or more, at least one of them positive',
  },
  WEIR1106: {
    title: 'Authority set twice',
    meaning: 'The authority (Host header) is set by rewrite and by headers, or by headers more than once',
    remedy: 'Set it in rewrite.authority alone',
  },
  WEIR1107: {
    title: 'Unknown retry condition',
    meaning:
      'retryOn holds a word that proxies do not know, or a number that is no status code; proxies would ignore it silently',
    remedy: 'Use the conditions that the message lists, or status codes',
  },
  WEIR1108: {
    title: 'Times contradict each other',
    meaning: 'A timeout is shorter than the attempts or the delay that it has to hold',
    remedy: 'Lengthen the timeout, or shorten what happens within it',
  },
  WEIR1109: {
    title: 'Can never match',
    meaning: 'A match asks for something that no request has, for example a path without a leading slash',
    remedy: 'Correct the value; the block matches nothing as it stands',
  },
  WEIR1110: {
    title: 'Not for sidecars',
    meaning: 'A VirtualService or match names gateways but not mesh, so that it does not apply to sidecars',
    remedy: 'Add mesh to the gateways if the rules are meant for traffic inside the mesh',
  },
  WEIR1111: {
    title: 'Impossible delegate',
    meaning:
      'A VirtualService without hosts is a delegate, which cannot have gateways, tls, tcp or delegates of its own',
    remedy: 'Add hosts, or remove what a delegate cannot have',
  },
  WEIR1112: {
    title: 'SNI host outside the hosts',
    meaning: 'A tls match names a server name that none of the hosts of its VirtualService covers',
    remedy: 'Add the name to hosts, or correct it',
  },
  WEIR1113: {
    title: 'Percentage left out',
    meaning: 'Without a percentage a fault concerns no request at all, and a mirror every request',
    remedy: 'State the percentage',
  },
  IST0130: {
    title: 'Unreachable rule',
    meaning: 'A rule can never be used, because a rule above it takes every request that it would match',
    remedy: 'Move the more specific rule up, or remove it',
  },
  IST0131: {
    title: 'Ineffective match',
    meaning:
      'One match block of a rule can never be used, because a block above it takes every request that it would match',
    remedy: 'Remove the block, or move the rule up',
  },
  WEIR1201: {
    title: 'Empty policy',
    meaning: 'A traffic policy, connection pool or port setting says nothing',
    remedy: 'Fill it in, or remove it',
  },
  WEIR1202: {
    title: 'Impossible hash table',
    meaning: 'The size of a ring or Maglev table is one that proxies refuse: a Maglev table is a prime below 5000011',
    remedy: 'Use 65537 for Maglev, 1024 for a ring, unless you measured otherwise',
  },
  WEIR1203: {
    title: 'Impossible locality settings',
    meaning: 'Shares of a locality do not sum up to 100, patterns overlap, or a region fails over to itself',
    remedy: 'Write region/zone/sub-zone patterns that do not overlap; shares are percentages',
  },
  WEIR1204: {
    title: 'Failover without outlierDetection',
    meaning: 'Failover between localities does nothing unless outlierDetection finds out which endpoints fail',
    remedy: 'Add outlierDetection beside loadBalancer',
  },
  WEIR1205: {
    title: 'Duplicate name',
    meaning: 'A subset or a port setting appears twice; the first one counts',
    remedy: 'Rename or remove the second one',
  },
  WEIR1206: {
    title: 'Port settings replace the rest',
    meaning:
      'A port level setting replaces the whole policy for its port: blocks that it does not repeat fall back to defaults',
    remedy: 'Repeat the blocks that shall hold for the port as well',
  },
  WEIR1207: {
    title: 'Contradicting TLS settings',
    meaning: 'The TLS settings of a policy lack a certificate, or exclude each other',
    remedy: 'Give certificates either as files or by credentialName, and no checks beside insecureSkipVerify',
  },
  WEIR1208: {
    title: 'Ports without selector',
    meaning: 'A PeerAuthentication sets modes of ports without saying of which workloads; the ports are not in force',
    remedy: 'Add selector.matchLabels, or remove portLevelMtls',
  },
  IST0128: {
    title: 'Server certificate checked against system authorities only',
    meaning:
      'TLS is on without caCertificates or credentialName: the server is trusted if any public authority signed it',
    remedy: 'Set caCertificates if the server has a certificate of your own authority',
  },
  IST0129: {
    title: 'Server certificate checked against system authorities only, on one port',
    meaning: 'As IST0128, for the settings of one port',
    remedy: 'Set caCertificates in the settings of the port',
  },
  WEIR1301: {
    title: 'Host does not fit the resolution',
    meaning: 'A wildcard host needs resolution NONE or DYNAMIC_DNS, and DYNAMIC_DNS needs wildcard hosts',
    remedy: 'Name the host, or change the resolution',
  },
  WEIR1302: {
    title: 'Addresses do not fit the resolution',
    meaning: 'A CIDR works with resolution NONE or STATIC only; DYNAMIC_DNS takes no addresses',
    remedy: 'Use single addresses, or change the resolution',
  },
  WEIR1303: {
    title: 'Endpoints do not fit the resolution',
    meaning: 'The endpoints are more, fewer or of another form than the resolution can use',
    remedy:
      'STATIC takes IPs and unix:// paths, DNS also host names, DNS_ROUND_ROBIN one endpoint, NONE and DYNAMIC_DNS none',
  },
  WEIR1304: {
    title: 'No endpoints',
    meaning:
      'A ServiceEntry with resolution STATIC has neither endpoints nor workloadSelector: every request answers 503',
    remedy: 'Add endpoints or workloadSelector, or use another resolution',
  },
  WEIR1305: {
    title: 'Duplicate or unknown port',
    meaning: 'A port number or name appears twice, or an endpoint names a port that the entry does not have',
    remedy: 'Give every port its own number and name, and use these names in endpoints',
  },
  WEIR1306: {
    title: 'Several hosts on an opaque port',
    meaning: 'Several hosts share a port that is neither HTTP nor TLS, where nothing tells them apart',
    remedy: 'Give each host a ServiceEntry of its own with an address, or declare the protocol',
  },
  IST0134: {
    title: 'TCP port without address',
    meaning: 'A TCP port without addresses takes every connection to that port number, whatever its destination',
    remedy: 'Add addresses to the ServiceEntry, or declare HTTP or TLS if that is what is spoken',
  },
  ...securityCodes,
  WEIR2001: {
    title: 'Directory missing',
    meaning:
      'A directory of configuration files does not exist, is no directory, or cannot be read; Weir does not start',
    remedy: 'Create the directory, correct its path, or give Weir the right to read it',
  },
  WEIR2002: {
    title: 'Directory lost',
    meaning:
      'A directory of configuration files has vanished while Weir ran: what it gave stays in force and is marked stale',
    remedy: 'Bring the directory back; to remove objects, delete their files and leave the directory',
  },
  WEIR2003: {
    title: 'Unreadable file',
    meaning: 'A file cannot be read; what it gave before stays in force',
    remedy: 'Give Weir the right to read the file, or delete it',
  },
  WEIR2004: {
    title: 'Not UTF-8',
    meaning: 'A file holds bytes that are not UTF-8 text; what it gave before stays in force',
    remedy: 'Save the file as UTF-8',
  },
  WEIR2005: {
    title: 'Empty file',
    meaning:
      'A file that gave objects has become empty, as it is for a moment whenever it is being written; the objects stay in force',
    remedy: 'Delete the file if its objects shall go',
  },
  WEIR2006: {
    title: 'Broken YAML',
    meaning:
      'A document is not YAML; which object it was cannot be known, so objects that the file no longer shows stay in force',
    remedy: 'Correct the document at the line that the message names',
  },
  WEIR2007: {
    title: 'Not an object',
    meaning: 'A document has no apiVersion, kind or metadata.name, so that it cannot be told what it is',
    remedy: 'Add what is missing, or move the file to another directory if it is not for Weir',
  },
  WEIR2008: {
    title: 'Unknown kind',
    meaning: 'Weir does not read objects of this kind, and does not know that they are none of its business either',
    remedy: 'Correct the kind, or move the object to another directory',
  },
  WEIR2009: {
    title: 'Unknown version',
    meaning: 'Weir reads objects of this kind, but not in this version of their API',
    remedy: 'Write one of the versions that the message lists',
  },
  WEIR2010: {
    title: 'Duplicate object',
    meaning:
      'Two documents, or two sources, describe one object: the first in the order of file names and documents counts, and of sources that of files, then that of Kubernetes',
    remedy: 'Remove or rename one of them',
  },
  WEIR2011: {
    title: 'Invalid time',
    meaning: 'A time is not written as Kubernetes writes it',
    remedy: 'Write it like 2026-01-31T12:00:00Z, or leave it out',
  },
  WEIR2012: {
    title: 'Endpoints by name',
    meaning: 'An EndpointSlice has the address type FQDN; Weir takes addresses only',
    remedy: 'Use a ServiceEntry with resolution DNS',
  },
  WEIR2013: {
    title: 'Removals on hold',
    meaning:
      'A source stopped naming more endpoints at once than the removal budget covers, or the last ones of a service, or calls them unhealthy; they stay, degraded, and leave by and by',
    remedy: 'Look after the registry; weir guard list shows what is held, and weir guard release lets it go',
  },
  WEIR2101: {
    title: 'Unsafe kubeconfig',
    meaning:
      'The kubeconfig of a remote cluster runs programs, reads files of this machine, or does without TLS; the cluster is not read',
    remedy: 'Put certificates and a token into the kubeconfig itself',
  },
  WEIR2102: {
    title: 'Unusable kubeconfig',
    meaning: 'A kubeconfig is not YAML, names what it does not hold, or asks for something that Weir cannot do',
    remedy: 'Correct the field that the message names',
  },
  WEIR2103: {
    title: 'Kind forbidden',
    meaning:
      'The API server does not let Weir read objects of a kind; while Weir starts it waits for them, later the last ones known stay in force',
    remedy: 'Grant the account that Weir runs as the verbs list and watch on the resource that the message names',
  },
  ...nacosCodes,
} as const satisfies Readonly<Record<string, ViolationCode>>;

/** A code that is in the catalogue. */
export type ViolationCodeName = keyof typeof violationCodes;
