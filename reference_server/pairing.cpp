#include "pairing.hpp"

#include "client/http_client.hpp"

#include <bsp/adapters/system_clock.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/sync/handshake.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <ostream>
#include <vector>

namespace bsp::server {
namespace {

using clock = std::chrono::steady_clock;
using sync::handshake;
using sync::handshake_mode;

sync::moment now() { return {system_clock{}.now(), clock::now().time_since_epoch()}; }

std::string base_url(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    auto const host = endpoint::host_of(sync::split_url(url).authority);
    bool const loopback = host == "localhost" || host == "127.0.0.1" || host == "[::1]";
    if (host.empty() || url.find_first_of("?#@ ") != std::string::npos) throw std::runtime_error{"'" + url + "' is not a URL such as https://hosted.example"};
    if (!url.starts_with("https://") && !(url.starts_with("http://") && loopback))
        throw std::runtime_error{"'" + url + "' must be https, or http on a loopback address"};
    return url;
}

std::optional<std::string> fingerprint(std::string const& text) {
    if (text.empty()) return std::nullopt;
    if (text.size() != 64 || !from_hex(text)) throw std::runtime_error{"a fingerprint is a SHA-256: 64 digits of lowercase hexadecimal"};
    return text;
}

/// Answers, from the client's thread to the one that waits.
class mailbox {
public:
    struct letter {
        std::uint64_t id;
        result<http_response> answer;
    };

    void put(letter l) {
        {
            std::lock_guard const lock{mutex_};
            letters_.push_back(std::move(l));
        }
        arrived_.notify_one();
    }

    std::vector<letter> wait_until(clock::time_point until) {
        std::unique_lock lock{mutex_};
        arrived_.wait_until(lock, until, [&] { return !letters_.empty(); });
        return std::exchange(letters_, {});
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<letter> letters_;
};

void carry_out(handshake& machine, std::string const& ca_file, std::ostream& out) {
    mailbox answers;
    http_client client{{}, ca_file};
    std::size_t told = 0;
    for (;;) {
        while (auto next = machine.poll_request(now())) {
            clock::time_point const deadline{std::chrono::duration_cast<clock::duration>(next->deadline)};
            client.send(std::move(next->origin), std::move(next->request), deadline, [&answers, id = next->id](result<http_response> answer) { answers.put({id, std::move(answer)}); });
        }
        for (; told < machine.story().size(); ++told) out << machine.story()[told] << '\n' << std::flush;
        if (machine.is_over()) return client.stop();
        auto const wake = machine.poll_timeout().value_or(clock::now().time_since_epoch());
        for (auto const& letter : answers.wait_until(clock::time_point{std::chrono::duration_cast<clock::duration>(wake)})) {
            if (letter.answer) machine.handle_response(letter.id, *letter.answer, now());
            else machine.handle_silence(letter.id, letter.answer.error().detail, now());
        }
    }
}

std::string advice(handshake const& machine, toolbox::subject const& who) {
    auto const& done = machine.result();
    std::string const& code = done.failure_code;
    if (!done.failure.empty()) {
        if (code == "invalid-sbt") return "both backends must know the same pairing secret of " + who.user + ", and their clocks must agree: compare their users files";
        if (code == "sbt-expired") return "the clocks differ by hours: set them right";
        if (code == "key-mismatch") return "there, the backend is registered with another key; when it was set up anew, remove the old registration first (GET and DELETE /peers)";
        if (code == "peer-revoked") return "an administrator has locked the backend out";
        if (code == "wrong-audience") return "a backend has changed its identity in between: run the command again";
        if (code == "misdirected-request") return "call the backend by the name that it serves, or start it with --allow-host";
        return "look at the log of that backend, then run the command again";
    }
    std::string text;
    for (auto const* side : {&machine.local(), &machine.hosted()})
        if (!side->obstacle.empty()) text += (text.empty() ? "" : "; ") + std::string{"see what answers at "} + side->url + "/identity";
    return text;
}

}  // namespace

std::string pair_backends(toolbox::subject const& who, pairing_request const& asked, std::ostream& out) {
    handshake machine{{.local_url = base_url(asked.local_url),
                       .hosted_url = base_url(asked.hosted_url),
                       .user_id = who.user,
                       .secret = toolbox::secret(who),
                       .local_key_sha256 = fingerprint(asked.local_fingerprint),
                       .hosted_key_sha256 = fingerprint(asked.hosted_fingerprint)},
                      random_bytes};
    carry_out(machine, asked.ca_file, out);
    auto const& done = machine.result();
    out << "mode: " << to_string(done.mode) << '\n';
    if (done.mode != handshake_mode::hybrid) {
        std::string text = "not paired; " + advice(machine, who);
        if (done.is_half) text += "; hosted still has the registration " + done.peer_id_at_hosted + " of local, to be removed with DELETE /peers/" + done.peer_id_at_hosted;
        throw not_achieved{text};
    }
    return "They synchronize by themselves while the local server runs with --peer-allow " + std::string{sync::split_url(done.sync_endpoint).origin} +
           "\nuntil " + format_timestamp({done.expires_at->seconds, 0}) + ": run this command again before then. 'bsp-server sync status' shows how it goes.";
}

}  // namespace bsp::server
