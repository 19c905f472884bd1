#pragma once

#include "admission.hpp"
#include "door.hpp"
#include "wire.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <list>
#include <memory>

namespace bsp::server {

class connection;
class conversation;

/// What the connections of one door share. Touched on the door's thread only.
struct door_state {
    door_state(door_limits l, door_handlers h) : limits{l}, handlers{std::move(h)} {}

    door_limits const limits;
    door_handlers const handlers;
    boost::asio::thread_pool workers{limits.workers};
    std::list<connection*> all;      ///< open connections
    std::list<connection*> idle;     ///< those that wait for a request, longest first
    std::list<connection*> held;     ///< those whose answer is held back
    std::uint64_t wakes = 0;         ///< how often the held ones were woken
    std::size_t streaming = 0;       ///< connections that have become conversations
    std::size_t buffered_bytes = 0;  ///< bodies read or being served
    bool stopping = false;

    // Both stay open for long, so together they leave places to those who only want an answer.
    [[nodiscard]] bool has_place_for_stream() const { return streaming < limits.connections_max / 2; }
    [[nodiscard]] bool has_place_for_held() const { return held.size() < limits.connections_max / 4; }
};

/// One client. Lives on the door's thread; ends when its coroutine does.
class connection : public std::enable_shared_from_this<connection> {
public:
    connection(wire line, door_state& state);
    ~connection();

    /// Serves requests until either side ends the connection.
    boost::asio::awaitable<void> serve();

    /// Ends the connection unless a request is being served, whose answer is still sent.
    void end();

    /// The held answer is to be asked again.
    void look_again() { timer_.cancel(); }

private:
    enum class phase : std::uint8_t { idle, reading, serving, holding, writing, lingering, streaming };

    void enter(phase next);
    void hold(std::size_t bytes);  ///< accounts for the body as it grows and goes
    void arm(std::chrono::milliseconds deadline);
    void disarm();

    boost::asio::awaitable<bool> shake_hands();
    boost::asio::awaitable<void> say_farewell();
    boost::asio::awaitable<bool> wait_for_request();
    boost::asio::awaitable<bool> serve_one();
    template <class Answer, class Work>
    boost::asio::awaitable<Answer> work(Work what);
    boost::asio::awaitable<bool> answer_upgrade(http_request request, bool keep_alive);
    boost::asio::awaitable<std::string> hold_back(door_answer answer, std::uint64_t wakes_seen);
    [[nodiscard]] bool client_has_gone();
    boost::asio::awaitable<bool> write(std::string const& bytes);
    boost::asio::awaitable<void> refuse(http_request const& known, error const& why);

    wire wire_;
    door_state& state_;
    boost::asio::steady_timer timer_;
    boost::beast::flat_buffer buffer_;
    std::string remote_;
    std::list<connection*>::iterator in_all_;
    std::list<connection*>::iterator in_idle_;
    std::list<connection*>::iterator in_held_;
    std::shared_ptr<conversation> conversation_;  ///< while streaming
    std::size_t held_bytes_ = 0;          ///< of state_.buffered_bytes
    std::uint64_t timer_generation_ = 0;
    phase phase_ = phase::reading;
    bool expired_ = false;
    bool first_ = true;
};

}  // namespace bsp::server
