#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace bsp::server {

/// Looks names up without ever waiting for the system's resolver, which cannot be interrupted and may take half a
/// minute: each name is looked up on a thread of its own, which is forgotten when its answer comes too late.
/// Addresses and `localhost` need no look-up, so what is for this machine cannot be led elsewhere. Used from the
/// context's thread.
class name_lookup {
public:
    using addresses = std::vector<boost::asio::ip::address>;

    /// Somebody who waits, by cancelling its timer when it is answered.
    struct question {
        explicit question(boost::asio::io_context& context) : answered{context, boost::asio::steady_timer::time_point::max()} {}
        boost::asio::steady_timer answered;
        bool done = false;
        addresses found;
        std::string error;
    };

    explicit name_lookup(boost::asio::io_context& context);
    ~name_lookup();

    /// What needs no look-up; empty for a name that does.
    static addresses known(std::string const& host);

    /// Answers `asker` after a while, if it is still there.
    void ask(std::string const& host, std::shared_ptr<question> const& asker);

private:
    /// What outlives the look-up: threads that have no end yet.
    struct gate {
        std::mutex mutex;
        boost::asio::io_context* context;
        name_lookup* owner;
    };

    void answer(std::string const& host, addresses const& found, std::string const& error);

    std::shared_ptr<gate> gate_;
    std::map<std::string, std::vector<std::weak_ptr<question>>> waiting_;
};

}  // namespace bsp::server
