/** What can be wrong with services in a Nacos; part of the catalogue in `violation-codes.ts`. */
export const nacosCodes = {
  WEIR2201: {
    title: 'Unusable instance',
    meaning:
      'An instance in Nacos has no IP address that others can reach, no port, or a weight that is none; it gets no traffic, and the others of its service do',
    remedy:
      'Correct what registers the instance; --nacos-addresses says which addresses count, where those that never leave a machine are meant',
  },
  WEIR2202: {
    title: 'Health unknown',
    meaning:
      'So few instances of a service in Nacos are healthy that its protect threshold makes Nacos call all of them healthy; all get traffic',
    remedy: 'Look after the instances, or lower the protect threshold of the service in Nacos',
  },
  WEIR2203: {
    title: 'Service forbidden',
    meaning: 'Nacos does not let Weir read a service that it lists; what was known of it stays in force',
    remedy: 'Grant the account that Weir uses in Nacos the right to read the namespace',
  },
} as const;
