#pragma once

#include "faults.hpp"
#include "http_server.hpp"

#include "../peer/listener.hpp"
#include "../runner.hpp"
#include "../surroundings.hpp"
#include "../target/stream.hpp"

#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

namespace bsp::conformance {

/// Stands for whichever backend is on the table.
class table_target final : public target {
public:
    void put(faulty::handler h) {
        current_ = in_process([h = std::move(h)](http_request const& r, instant now) { return h(r, now); });
    }
    void put(std::unique_ptr<target> t) { current_ = std::move(t); }

    answer send(http_request const& r, std::chrono::milliseconds timeout) override {
        answer a = current_->send(r, timeout);
        if (a.why == fault::none && a.response.status == faulty::hung_up) a.why = fault::closed, a.detail = "hung up";
        return a;
    }
    raw_answer raw(std::string_view bytes, std::chrono::milliseconds timeout) override { return current_->raw(bytes, timeout); }
    connected open(std::chrono::milliseconds timeout) override { return current_->open(timeout); }
    [[nodiscard]] bool has_sockets() const noexcept override { return current_->has_sockets(); }
    [[nodiscard]] std::string const& url() const noexcept override { return current_->url(); }
    [[nodiscard]] std::string const& base_path() const noexcept override { return current_->base_path(); }
    [[nodiscard]] std::string const& authority() const noexcept override { return current_->authority(); }

private:
    std::unique_ptr<target> current_ = in_process([](http_request const&, instant) { return http_response{503, {}, ""}; });
};

/// How many requests of the battery are tried at a wrong backend.
inline constexpr std::size_t battery_of_a_fault = 6'000;

/// Where the suite meets backends of this process: one after the other, in the same surroundings, so that keys are made once.
struct laboratory {
    table_target table;
    std::filesystem::path flag;  ///< the restart hook leaves it there
    faulty::settings settings;
    surroundings world;
    std::unique_ptr<faulty::door> door;
    std::jthread client;  // of the backend behind the door

    laboratory();
    ~laboratory();
    laboratory(laboratory const&) = delete;
    laboratory& operator=(laboratory const&) = delete;

    /// Puts a backend on the table; a restart is asked for by the flag file.
    void put(std::shared_ptr<faulty::backend> b);
    void put(faulty::handler h);

    /// The same over a socket, for checks that need one.
    void serve(faulty::maker make, faulty::settings s, std::optional<faulty::framing> reads);

    /// The same with a backend that calls its peers, and the suite as one of them.
    void serve_client(faulty::maker make, faulty::settings s);

    run_result run_all() { return run(world, all_checks(), {}); }

private:
    void wind(std::shared_ptr<faulty::backend> const& b);
    void start(std::shared_ptr<faulty::backend> const& b);
    void look();
};

}  // namespace bsp::conformance
