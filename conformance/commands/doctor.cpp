#include "../probe.hpp"
#include "../scenario.hpp"
#include "../text.hpp"
#include "support.hpp"

#include <bsp/crypto/rsa.hpp>

#include <ostream>

namespace bsp::conformance {
namespace {

/// Prints one line for each thing looked at, and beneath what fails, what to do.
class findings {
public:
    explicit findings(std::ostream& out) : out_{out} {}

    void good(std::string const& what, std::string const& text) { line("ok", what, text, {}); }
    void aside(std::string const& what, std::string const& text, std::string const& advice) { line("note", what, text, advice), ++notes_; }
    void bad(std::string const& what, std::string const& text, std::string const& advice) { line("BAD", what, text, advice), ++bad_; }

    [[nodiscard]] int bads() const noexcept { return bad_; }
    [[nodiscard]] int notes() const noexcept { return notes_; }

private:
    void line(char const* verdict, std::string const& what, std::string const& text, std::string const& advice) {
        auto const pad = [](std::string s, std::size_t width) { return s + std::string(width_of(s) < width ? width - width_of(s) : 1, ' '); };
        out_ << pad(verdict, 6) << pad(what, 16);
        for (char c : text) out_ << (static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c);
        out_ << '\n';
        if (!advice.empty()) out_ << std::string(22, ' ') << "→ " << advice << '\n';
        out_ << std::flush;
    }
    std::ostream& out_;
    int bad_ = 0, notes_ = 0;
};

void nothing_to_run(scenario&) {}

/// A scenario of nobody's check, for as long as a few requests take.
class visit {
public:
    explicit visit(surroundings& world, std::size_t number) : record_{what_, number}, scenario_{world, record_} {}

    /// Runs `body`; false when the scenario ended it (the target was lost, or gave no identity).
    template <class Body>
    bool run(Body const& body) {
        try {
            body(scenario_);
            return true;
        } catch (verdict_reached const&) {
            return false;
        }
    }
    [[nodiscard]] std::string reason() const { return record_.failure ? record_.failure->expected + ": " + record_.failure->actual : record_.reason; }

private:
    static inline check const what_{"doctor/visit", "", {}, "", "", nothing_to_run};
    record record_;
    scenario scenario_;
};

std::string advice_for(exchange const& x, std::string const& user) {
    auto const status = x.status();
    if (status == 0) return "nothing came back: look into the backend's log";
    if (status == 401 || status == 403) return "does the backend know the user " + user + ", with the very pairing secret of the users file? Is its clock right?";
    if (status == 404 || status == 405) return "does the URL need a prefix, or is this endpoint not there yet?";
    if (status == 429) return "the backend asks for patience; allow more requests where the suite runs";
    if (status / 100 == 5) return "an error of the backend: look into its log";
    return "the answer says: " + show(x.body(), 120);
}

void look_at_clock(findings& f, surroundings const& world, http_response const& identity) {
    if (!identity.headers.find("Date") || !parse_http_date(*identity.headers.find("Date"))) {
        f.aside("clock", "the answer has no usable Date, so the clocks cannot be compared", "send Date; a clock that is off shows up as refused tokens and assertions below");
        return;
    }
    auto const apart = std::chrono::duration_cast<std::chrono::seconds>(world.clock_offset).count();
    constexpr std::int64_t tolerable = 60;
    auto const by = std::to_string(apart < 0 ? -apart : apart) + " s " + (apart < 0 ? "behind" : "ahead of") + " this machine's";
    if (apart == 0) f.good("clock", "agrees with this machine's to two seconds");
    else if (apart > -tolerable && apart < tolerable) f.aside("clock", "the target's is " + by, "the suite follows it; peers with a right clock may be refused: synchronise with NTP");
    else f.bad("clock", "the target's is " + by, "one of the two is wrong: synchronise it (NTP), or peers with a right clock are refused; the suite itself follows the target's");
}

void look_at_identity(findings& f, surroundings const& world, first_look const& look) {
    if (!world.identity) {
        f.bad("identity", look.remark, "GET /identity answers 200 with backend_id, backend_type, public_key and version; nothing can be judged without them");
        return;
    }
    auto const& id = *world.identity;
    auto const text = id.backend_id + " (" + id.backend_type + ", BSP " + text_at(id.received, "/version") + ")";
    if (auto const key = rsa_public_key::from_pem(id.public_key_pem); !key) f.bad("identity", text + ", but public_key is not usable: " + key.error().detail, "public_key is the PEM (SPKI) of an RSA key of at least 2048 bits");
    else f.good("identity", text);
}

void look_at_user(findings& f, surroundings& world, user_account const& account, std::size_t number) {
    auto const what = "user " + account.id;
    visit v{world, number};
    bool const came_through = v.run([&](scenario& s) {
        registration const wanted = s.settled({.user = account});
        auto const registered = s.try_register(wanted);
        if (!registered.ok()) return f.bad(what, "a backend of this user cannot register: " + registered.describe(), advice_for(registered, account.id));
        auto const peer = s.peer_of(registered, wanted);
        auto const pulled = peer.pull();
        auto const read = s.user(account).get("/conversations");
        auto const unpaired = peer.unpair();
        if (!pulled.ok()) return f.bad(what, "a backend that has just registered cannot pull: " + pulled.describe(), advice_for(pulled, account.id));
        if (!read.ok()) return f.bad(what, "the user cannot read the own conversations: " + read.describe(), advice_for(read, account.id));
        if (!unpaired.ok()) return f.aside(what, "registers and reads, but the visit could not be unpaired: " + unpaired.describe(), "remove the peer " + peer.peer_id() + " by hand");
        f.good(what, "registers a backend, pulls, reads, unpairs");
    });
    if (!came_through) f.bad(what, v.reason(), "look into the backend's log");
}

void look_at_admin(findings& f, surroundings& world) {
    if (!world.options.admin_token) return f.aside("admin token", "none given: what an administrator may do stays UNTESTED", "give --admin-token-file FILE or BSP_ADMIN_TOKEN");
    visit v{world, 1'000};
    bool const came_through = v.run([&](scenario& s) {
        auto const x = s.admin().get("/peers");
        if (x.ok()) f.good("admin token", "lists the peers");
        else f.bad("admin token", "GET /peers is answered with " + x.describe(), x.status() == 401 || x.status() == 403 ? "is it the token that the backend was started with, without quotes or blanks?" : advice_for(x, "admin"));
    });
    if (!came_through) f.bad("admin token", v.reason(), "look into the backend's log");
}

int examine(doctor_arguments const& a, std::ostream& out) {
    if (a.url.empty()) throw usage_error{"which backend? For example: bsp-conformance doctor http://localhost:8825 --users users.json"};
    auto const target = connect_to(a.url, a.trust);
    if (!target) throw usage_error{target.error().detail};
    surroundings world{**target, {users_from(a.users_file), admin_token_from(a.admin_token_file), 1, std::chrono::seconds{a.timeout_s}, {}, {}}};

    findings f{out};
    auto const look = probe(world);
    if (!look.usable) {
        auto const line_end = std::min(look.problem.find('\n'), look.problem.size());
        bool const of_tls = look.why == fault::tls || look.why == fault::certificate;
        f.bad(of_tls ? "tls" : "reachable", look.problem.substr(0, line_end), look.problem.substr(std::min(line_end + 1, look.problem.size())));
        out << "\nNOT READY: there is nothing to judge\n";
        return exit_code::unreachable;
    }
    auto const again = world.target.send({"GET", world.target.base_path() + "/identity", {}, {}, {}}, world.options.timeout);
    f.good("reachable", world.target.url() + " answers in " + std::to_string(again.took.count() / 1000) + " ms" + (look.software.empty() ? "" : ", " + look.software));
    bool const secure = world.target.url().starts_with("https:");
    bool const here = world.target.authority().starts_with("localhost") || world.target.authority().starts_with("127.") || world.target.authority().starts_with("[::1]");
    if (secure && a.trust.verify_certificate) f.good("tls", "the certificate is valid for this name, by " + (a.trust.ca_file.empty() ? "an authority that this system trusts" : "an authority of " + a.trust.ca_file));
    else if (secure) f.aside("tls", "the certificate is not verified (--insecure)", "leave --insecure out to see whether others will trust it");
    else if (here) f.good("tls", "none, which is fine on this machine");
    else f.aside("tls", "none: whoever is between here and there reads and changes everything", "put a TLS proxy before it");
    look_at_clock(f, world, again.response);
    look_at_identity(f, world, look);
    if (world.identity) {
        std::size_t number = 0;
        for (auto const& account : world.options.users) look_at_user(f, world, account, number++);
        if (world.options.users.size() < 2) f.aside("second user", "none given: isolation between users stays UNTESTED", "name two users in the users file");
        look_at_admin(f, world);
    }
    out << '\n';
    if (f.bads() > 0) {
        out << "NOT READY: " << f.bads() << (f.bads() == 1 ? " thing" : " things") << " to mend first\n";
        return exit_code::failed;
    }
    out << "READY" << (f.notes() > 0 ? ", with " + std::to_string(f.notes()) + (f.notes() == 1 ? " note" : " notes") : "") << ": bsp-conformance " << a.url << (a.users_file.empty() ? "" : " --users " + a.users_file)
        << (a.admin_token_file.empty() ? "" : " --admin-token-file " + a.admin_token_file) << trust_arguments(a.trust) << '\n';
    return exit_code::conformant;
}

}  // namespace

int doctor(doctor_arguments const& a, std::ostream& out, std::ostream& err) {
    return reporting_usage(err, [&] { return examine(a, out); });
}

}  // namespace bsp::conformance
