#pragma once

#include <bsp/base/limits.hpp>

#include <chrono>
#include <cstddef>

namespace bsp::server {

/// What one client, and all clients together, may take from the server. Byte limits count what was
/// actually read, whatever the framing; deadlines are total, so a byte now and then does not
/// extend them.
struct door_limits {
    std::size_t target_bytes_max = 8'000;                    ///< 414 beyond
    std::size_t header_bytes_max = 32u << 10;                ///< request line and fields; 431 beyond
    std::size_t header_fields_max = 100;                     ///< 431 beyond
    std::size_t body_bytes_max = limits::body_bytes_max;     ///< 413 beyond
    std::size_t buffered_bytes_max = 256u << 20;             ///< bodies of all clients together; 503 beyond
    std::size_t connections_max = 4'096;                     ///< beyond, the longest idle one gives way
    std::size_t workers = 16;                                ///< requests served at the same time

    std::size_t message_bytes_max = limits::event_bytes_max; ///< of a WebSocket; closed with 1009 beyond
    std::size_t unanswered_max = 64;                         ///< messages of one WebSocket that may wait for their answers; then it is not read from

    std::chrono::milliseconds head_deadline{10'000};         ///< from the first byte to the end of the head; 408
    std::chrono::milliseconds body_deadline{60'000};         ///< from the end of the head to the end of the body; 408
    std::chrono::milliseconds idle_deadline{75'000};         ///< between requests; closed in silence
    std::chrono::milliseconds write_deadline{60'000};        ///< for one whole answer
    std::chrono::milliseconds ping_after{20'000};            ///< of silence on a WebSocket; closed after twice as much
    std::chrono::milliseconds closing{1'000};                ///< for the rest of a WebSocket that is being closed
    std::chrono::milliseconds linger{2'000};                 ///< how long a refused client's bytes are discarded, so that it reads why
};

}  // namespace bsp::server
