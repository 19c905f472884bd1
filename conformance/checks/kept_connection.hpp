#pragma once

#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "../target/http_reader.hpp"
#include "../target/stream.hpp"

#include <bsp/json/parse.hpp>

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace bsp::conformance {

/// One connection to the target, and requests on it one after the other. The suite's other requests go over connections of
/// their own.
class kept_connection {
public:
    explicit kept_connection(scenario& s) : world_{s} {}

    /// Whether no request has found it closed. Whoever closes after each answer keeps none.
    [[nodiscard]] bool lasts() const noexcept { return lasts_; }

    /// `path` is without the target's base path.
    exchange send(caller const& who, std::string const& method, std::string const& path, std::string const& body = {}, call_options const& o = {}) {
        auto const s = std::make_shared<step>();
        s->who = who.name();
        s->summary = method + ' ' + path + (asked_++ == 0 ? ", on a new connection" : ", on the same connection");
        s->at = world_.now();
        s->request = {method, world_.target_path(path), {}, body, {}};
        if (auto const proof = body.empty() ? who.authorization(method, path, o) : std::string{}; !proof.empty()) s->request.headers.set("Authorization", proof);
        if (!body.empty()) s->request.headers.set("Content-Type", "application/json");
        converse(*s);
        if (auto parsed = json::parse(s->got.response.body)) s->body = *std::move(parsed);
        world_.recall(*s);
        return exchange{s};
    }
    exchange get(caller const& who, std::string const& path) { return send(who, "GET", path); }
    exchange push(peer const& who, json::object const& conversation, push_options const& o = {}) { return send(who, "POST", "/sync/" + who.peer_id(), json::serialize(who.payload({conversation}, o))); }

private:
    void converse(step& s) {
        auto const begun = clock::now();
        auto const until = begun + world_.shared().options.timeout;
        auto const fails = [&](fault why, std::string detail) {
            s.got.why = why, s.got.detail = std::move(detail);
            if (to_) lasts_ = false;
        };
        if (!lasts_) return fails(fault::closed, "the connection is closed");
        if (!to_) {
            auto opened = world_.shared().target.open(world_.shared().options.timeout);
            if (!opened.to) return fails(opened.why, std::move(opened.detail));
            to_ = std::move(opened.to);
        }
        auto const& q = s.request;
        auto text = q.method + ' ' + q.target + " HTTP/1.1\r\nHost: " + world_.authority() + "\r\n";
        for (auto const& [name, value] : q.headers) text += name + ": " + value + "\r\n";
        if (!q.body.empty()) text += "Content-Length: " + std::to_string(q.body.size()) + "\r\n";
        text += "\r\n" + q.body;
        std::string_view left = text;
        http_reader reader;
        std::array<char, 16 * 1024> buffer;
        for (auto state = http_reader::state::more; state != http_reader::state::complete;) {
            if (!left.empty()) {
                auto const w = to_->write(left.data(), left.size());
                if (w.what == stream::status::done) left.remove_prefix(w.size);
                else if (w.what != stream::status::would_block) left = {};
            }
            auto const r = to_->read(buffer.data(), buffer.size());
            if (r.what == stream::status::done) state = reader.feed({buffer.data(), r.size});
            else if (r.what != stream::status::would_block) state = reader.end();
            if (state == http_reader::state::garbage) return fails(fault::garbage, "the answer is not HTTP/1.x: " + reader.complaint());
            if (state == http_reader::state::complete) break;
            if (r.what == stream::status::ended || r.what == stream::status::broken) return fails(fault::closed, "the connection was closed without an answer");
            if (r.what == stream::status::would_block && !to_->wait(until, !left.empty())) return fails(fault::timeout, "no complete answer in time");
        }
        lasts_ = reader.keeps_alive();
        s.got.response = reader.take();
        s.got.took = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begun);
    }

    scenario& world_;
    std::unique_ptr<stream> to_;
    bool lasts_ = true;
    std::size_t asked_ = 0;
};

}  // namespace bsp::conformance
