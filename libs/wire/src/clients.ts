import { Channel, makeClientConstructor, type ChannelCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import type { EnrolmentClient } from './generated/consilium/v1/Enrolment.js';
import type { ModelsClient } from './generated/consilium/v1/Models.js';
import type { RoundsClient } from './generated/consilium/v1/Rounds.js';
import type { SitesClient } from './generated/consilium/v1/Sites.js';
import type { UpdatesClient } from './generated/consilium/v1/Updates.js';
import { MESSAGE_BYTES_MAX } from './protocol.js';
import { services } from './services.js';
import { WINDOW_MAX } from './windows.js';

/** Bytes of messages that passed, without HTTP/2's and TLS's own share (less than 0.3 % for weights). */
export interface Traffic {
  up: number;
  down: number;
}

/** The services over one connection. */
export interface Clients {
  readonly enrolment: EnrolmentClient;
  readonly sites: SitesClient;
  readonly rounds: RoundsClient;
  readonly updates: UpdatesClient;
  readonly models: ModelsClient;
  close(): void;
}

export function openClients(
  address: string,
  credentials: ChannelCredentials,
  traffic: Traffic,
  keepaliveMs: number,
): Clients {
  const channel = new Channel(address, credentials, {
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': keepaliveMs,
    'grpc.keepalive_permit_without_calls': 1,
    // HTTP/2's own 64 KiB would cap a download over a line of 50 ms at 0.8 MB/s.
    'grpc-node.flow_control_window': WINDOW_MAX,
    // Retries are ours: grpc-js' would hold every sent message in memory.
    'grpc.enable_retries': 0,
    // The agent waits between its own attempts; a longer wait down here would only lengthen them.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.min_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    // The name in the TLS handshake; an IP address is not allowed there (RFC 6066, 3).
    'grpc.ssl_target_name_override': 'coordinator',
    // The address in the settings is meant: no proxy from the environment, no look-up of a service configuration in DNS.
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.default_compression_algorithm': 0,
    'grpc.enable_channelz': 0,
  });
  const client = <T>(definition: ServiceDefinition): T => {
    const Client = makeClientConstructor(counted(definition, traffic), 'consilium.v1');
    return new Client(address, credentials, { channelOverride: channel }) as unknown as T;
  };
  return {
    enrolment: client(services.enrolment),
    sites: client(services.sites),
    rounds: client(services.rounds),
    updates: client(services.updates),
    models: client(services.models),
    close: () => channel.close(),
  };
}

/** The same service, counting the bytes of what is sent and what comes. */
function counted(definition: ServiceDefinition, traffic: Traffic): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => [
    name,
    {
      ...method,
      requestSerialize: (value: object): Buffer => {
        const bytes = method.requestSerialize(value);
        traffic.up += bytes.byteLength;
        return bytes;
      },
      responseDeserialize: (bytes: Buffer): unknown => {
        traffic.down += bytes.byteLength;
        return method.responseDeserialize(bytes);
      },
    },
  ]);
  return Object.fromEntries(methods) as ServiceDefinition;
}
