#pragma once

#include <bsp/endpoint/dashboard.hpp>
#include <bsp/endpoint/delete_conversation.hpp>
#include <bsp/endpoint/delete_message.hpp>
#include <bsp/endpoint/end_peer.hpp>
#include <bsp/endpoint/erase_data.hpp>
#include <bsp/endpoint/export_data.hpp>
#include <bsp/endpoint/get_audit.hpp>
#include <bsp/endpoint/get_conversation.hpp>
#include <bsp/endpoint/get_digest.hpp>
#include <bsp/endpoint/get_health.hpp>
#include <bsp/endpoint/get_identity.hpp>
#include <bsp/endpoint/get_metrics.hpp>
#include <bsp/endpoint/list_conversations.hpp>
#include <bsp/endpoint/list_peers.hpp>
#include <bsp/endpoint/peer_metrics.hpp>
#include <bsp/endpoint/privacy_settings.hpp>
#include <bsp/endpoint/register_peer.hpp>
#include <bsp/endpoint/rotate_key.hpp>
#include <bsp/endpoint/sync_pull.hpp>
#include <bsp/endpoint/sync_push.hpp>
#include <bsp/endpoint/telemetry_events.hpp>
#include <bsp/endpoint/telemetry_stream.hpp>
#include <bsp/endpoint/write_message.hpp>

namespace bsp::endpoint {

/// Every endpoint of this backend: the one list.
#define BSP_ENDPOINTS(X)   \
    X(get_identity)        \
    X(get_health)          \
    X(register_peer)       \
    X(list_peers)          \
    X(end_peer)            \
    X(rotate_key)          \
    X(sync_push)           \
    X(sync_pull)           \
    X(get_digest)          \
    X(list_conversations)  \
    X(get_conversation)    \
    X(write_message)       \
    X(delete_conversation) \
    X(delete_message)      \
    X(telemetry_stream)    \
    X(telemetry_events)    \
    X(get_audit)           \
    X(get_readiness)       \
    X(get_liveness)        \
    X(peer_metrics)        \
    X(all_metrics)         \
    X(telemetry_dashboard) \
    X(peer_debug)          \
    X(list_alerts)         \
    X(get_metrics)         \
    X(get_privacy)         \
    X(put_privacy)         \
    X(export_data)         \
    X(erase_data)

}  // namespace bsp::endpoint
