#include "first_refusal.hpp"
#include "rotation.hpp"
#include "../signing_key.hpp"

#include <bsp/crypto/spki.hpp>

// Chapter 13: which notices are accepted, and which are not.

namespace bsp::conformance {
namespace {

using std::chrono::seconds;

void notice_is_accepted(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key();
    auto const x = r.rotate(next);
    s.accepted(x, "a rotation notice");
    s.exactly(x.status() == 200, "status 200", x.describe());
    s.expect(x.text("/status") == "rotated", "status is \"rotated\"", show(x.body()));
    s.expect(x.text("/peer_id") == r.a.peer_id(), "the peer_id of the notice", show(x.body()));
    s.expect(parse_timestamp(x.text("/previous_key_expires_at")).has_value(), "previous_key_expires_at, a timestamp", show(x.body()));
    r.counts(next, "the new key");
    auto const third = s.fresh_key();
    r.current = next;
    s.accepted(r.rotate(third), "a second notice, signed by the new key");
    r.counts(third, "the third key");
}

void unknown_members(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key();
    s.accepted(r.rotate(next, {.before = both(set("x_reason", "yearly \u00e9"), set("x_list", json::array{1, json::object{{"signature", "deep"}}}))}), "a notice with members nobody knows");
    r.counts(next, "the new key");
}

void current_key_signs(scenario& s) {
    rotating r{s};
    auto const sibling = s.register_peer();
    auto const next = s.fresh_key(), stranger = s.key();
    for (auto const& [what, change] : {variant{"without signature", drop("signature")}, {"with signature null", set("signature", nullptr)}, {"with an empty signature", set("signature", "")},
                                       {"with a number for a signature", set("signature", 7)}, {"with zeros for a signature", set("signature", to_base64(bytes(256)))}})
        r.refuses("a notice " + what, next, {.after = change}, no_signature);
    r.refuses("a notice that the new key alone has signed", next, {.signer = next}, no_signature);
    r.refuses("a notice that a key of nobody has signed", next, {.signer = stranger}, no_signature);
    r.refuses("a notice that another peer has signed", next, {.signer = sibling.signing_key()}, no_signature);
    r.refuses("a notice with its signatures exchanged", next, {.after = [](json::object& o) { std::swap(o.at("signature"), o.at("new_key_signature")); }}, no_signature);
    r.refuses("a notice with white space in its signature", next, {.after = [](json::object& o) { o["signature"] = text_at(o, "/signature").insert(8, "\n"); }}, no_signature);
    r.then_rotates();
}

void new_key_signs(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key(), stranger = s.key();
    for (auto const& [what, change] : {variant{"without new_key_signature", drop("new_key_signature")}, {"with new_key_signature null", set("new_key_signature", nullptr)},
                                       {"with an empty new_key_signature", set("new_key_signature", "")}, {"with a number for new_key_signature", set("new_key_signature", 7)}})
        r.refuses("a notice " + what, next, {.after = change}, no_signature);
    r.refuses("a notice whose proof the current key has signed", next, {.proof = r.current}, no_signature);
    r.refuses("a notice whose proof a key of nobody has signed", next, {.proof = stranger}, no_signature);
    auto const n = r.notice(next);
    auto other = r.notice(next, {.before = set("x", 1)});
    other.erase("x");
    auto mixed = n;
    mixed["new_key_signature"] = other.at("new_key_signature");
    r.refuses("a notice whose proof is that of another notice", next, mixed, no_signature);
    r.then_rotates();
}

void previous_key_does_not_rotate(scenario& s) {
    rotating r{s};
    auto const old = r.must_rotate(s.fresh_key());
    r.counts(old, "the previous key in its grace");
    r.refuses("a notice that the previous key has signed in its grace", s.fresh_key(), {.signer = old}, no_signature);
    r.then_rotates();
}

void members_are_signed(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key(), stolen = s.fresh_key();
    for (auto const& [what, change] : {variant{"a later grace_expires_at", set("grace_expires_at", s.in_seconds(86'400))}, {"a later rotated_at", set("rotated_at", s.in_seconds(120))},
                                       {"one more member", set("x_added", true)}, {"another typ", set("typ", "bsp-challenge")},
                                       {"another peer_id", set("peer_id", "peer_00000000000000000000000000000000")}, {"another backend_id", set("backend_id", s.fresh_backend_id())},
                                       {"another target_backend_id", set("target_backend_id", "hosted_sha256_0000000000000000")}})
        r.refuses("a notice changed after it was signed: " + what, next, {.after = change}, {.statuses = {401, 403}});
    r.refuses("a notice changed after it was signed: a member taken away", next, {.before = set("x_was_here", 1), .after = drop("x_was_here")}, no_signature);
    r.refuses("a notice changed after it was signed: another new_public_key", stolen, r.notice(next, {.after = set("new_public_key", stolen->public_key().pem())}), no_signature);
    // The thief of a notice in flight can make a proof for his own key, but not the signature.
    auto forged = r.notice(next);
    forged["new_public_key"] = stolen->public_key().pem();
    auto with_proof = forged;
    r.seal(with_proof, r.current, stolen);
    with_proof["signature"] = forged.at("signature");
    r.refuses("a notice with another new_public_key, and its proof", stolen, with_proof, no_signature);
    r.then_rotates();
}

void typ_is_checked(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key();
    r.refuses("a notice without typ", next, {.before = drop("typ")}, {.statuses = {401, 400, 422}});
    for (char const* typ : {"bsp-challenge", "BSP-KEY-ROTATION", "bsp-key-rotation ", ""}) r.refuses("a notice with the typ \"" + std::string{typ} + "\"", next, {.before = set("typ", typ)}, no_signature);
    r.refuses("a notice with a number for typ", next, {.before = set("typ", 1)}, {.statuses = {401, 400, 422}});
    r.then_rotates();
}

void audience_is_checked(scenario& s) {
    rotating r{s};
    auto const b = s.register_peer();
    auto const next = s.fresh_key();
    exactly_as const elsewhere{.statuses = {403}, .codes = {"wrong-audience"}};
    r.refuses("a notice for another peer_id", next, {.before = set("peer_id", b.peer_id())}, elsewhere);
    r.refuses("a notice of another backend_id", next, {.before = set("backend_id", b.backend_id())}, elsewhere);
    r.refuses("a notice to another target_backend_id", next, {.before = set("target_backend_id", s.identity().backend_id + "0")}, elsewhere);
    std::string const path_of_b = "/peers/" + b.peer_id() + "/rotate-key";
    s.refused(r.send(r.notice(next), path_of_b), "a notice on the path of another peer", {.statuses = {401, 403}});
    s.refused(r.send(r.notice(next, {.before = set("peer_id", b.peer_id())}), path_of_b), "a notice for another peer on its path", {.statuses = {401, 403}});
    s.refused(b.push({s.conversation(s.fresh("c"), 1, {s.message("m", "x")})}, {.signer = next}), "a push of the other peer signed with the key of these notices", not_believed);
    s.control(b.push({s.conversation(s.fresh("c"), 1, {s.message("m", "x")})}), "a push of the other peer");
    r.then_rotates();
}

void notice_is_fresh(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key();
    exactly_as const stale{.statuses = {401}, .codes = {"stale-request"}};
    r.refuses("a notice that is 400 s old", next, {.rotated_at = s.in_seconds(-400)}, stale);
    r.refuses("a notice of 400 s from now", next, {.rotated_at = s.in_seconds(400)}, stale);
    r.refuses("a notice of last year", next, {.rotated_at = s.in_seconds(-86'400 * 365)}, stale);
    s.accepted(r.rotate(next, {.rotated_at = s.in_seconds(-200)}), "a notice that is 200 s old");
    r.counts(next, "the new key");
}

void replays_change_nothing(scenario& s) {
    rotating r{s};
    auto const first = s.fresh_key(), second = s.fresh_key();
    auto const one = r.notice(first);
    s.control(r.send(one), "a first notice");
    r.current = first;
    auto const two = r.notice(second);
    s.control(r.send(two), "a second notice");
    r.current = second;
    s.refused(r.send(one), "the first notice, sent again after the second", not_believed);
    r.counts(second, "the newest key");
    s.refused(r.send(two), "the second notice, sent again", not_believed);
    r.counts(second, "the newest key");
    // What was signed for a key that is not current any more takes effect neither now nor later.
    s.refused(r.send(one), "the first notice, sent a third time", not_believed);
    r.then_rotates();
}

void rotated_at_increases(scenario& s) {
    rotating r{s};
    auto const moment = s.now() + seconds{5};
    r.must_rotate(s.fresh_key(), {.rotated_at = format_timestamp(moment)});
    auto const next = s.fresh_key();
    exactly_as const stale{.statuses = {401}, .codes = {"stale-request"}};
    auto const spelled = [&](int hours, std::string const& suffix) {
        auto text = format_timestamp(moment + std::chrono::hours{hours});
        return text.replace(text.size() - 1, 1, suffix);
    };
    r.refuses("a notice of the same moment as the last", next, {.rotated_at = format_timestamp(moment)}, stale);
    r.refuses("a notice of the same moment in another zone", next, {.rotated_at = spelled(2, "+02:00")}, stale);
    r.refuses("a notice of a second earlier than the last", next, {.rotated_at = format_timestamp(moment - seconds{1})}, stale);
    r.refuses("a notice of a second earlier, whose text is greater", next, {.rotated_at = format_timestamp(moment - seconds{1} + std::chrono::hours{5}).replace(19, std::string::npos, "+05:00")}, stale);
    s.accepted(r.rotate(next, {.rotated_at = format_timestamp(moment + std::chrono::nanoseconds{1'000'000})}), "a notice a millisecond later than the last");
    r.counts(next, "the new key");
}

/// An RSA key that is too short to be acceptable, and what it has signed: a proof that nothing but its length refutes.
struct short_key {
    CryptoPP::RSA::PrivateKey numbers;
    explicit short_key(unsigned bits) { numbers.Initialize(detail::thread_generator(), bits, 65'537); }
    [[nodiscard]] std::string pem() const { return detail::write_pem(encode_spki(detail::octets_of(numbers.GetModulus()), detail::octets_of(numbers.GetPublicExponent())), "PUBLIC KEY"); }
    [[nodiscard]] std::string sign(std::string const& text) const {
        CryptoPP::RSASS<CryptoPP::PSS, CryptoPP::SHA256>::Signer const signer{numbers};
        bytes out(signer.SignatureLength());
        out.resize(signer.SignMessage(detail::thread_generator(), as_bytes(text).data(), text.size(), out.data()));
        return to_base64(out);
    }
};

void weak_keys(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key();
    exactly_as const no_key{.statuses = {401}, .codes = {"invalid-key"}};
    short_key const weak{1024};
    auto n = r.notice(next, {.before = set("new_public_key", weak.pem())});
    auto unsigned_part = n;
    unsigned_part.erase("signature"), unsigned_part.erase("new_key_signature");
    n["new_key_signature"] = weak.sign(json::canonicalize(unsigned_part).value());
    s.refused(r.send(n), "a notice with an RSA key of 1024 bits, well signed", no_key);
    auto const pem = next->public_key().pem();
    for (auto const& [what, text] : {std::pair{"no PEM", std::string{"ssh-rsa AAAA"}}, {"an empty text", std::string{}}, {"a private key", next->pem()}, {"two keys", pem + pem},
                                     {"a label of another kind", std::string{pem}.replace(pem.find("PUBLIC KEY"), 10, "CERTIFICAT")}})
        s.refused(r.rotate(next, {.before = set("new_public_key", text)}), std::string{"a notice with "} + what + " for a key", no_key);
    r.works(r.current, "the peer after the refusals");
    r.then_rotates();
}

void strong_keys(scenario& s) {
    rotating r{s};
    auto const next = signing_key::generate(3072);
    s.accepted(r.rotate(next), "a notice with a key of 3072 bits");
    r.counts(next, "the new key of 3072 bits");
}

void shape_is_checked(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key();
    for (char const* name : {"peer_id", "backend_id", "target_backend_id", "new_public_key", "rotated_at", "grace_expires_at"}) {
        r.refuses(std::string{"a notice without "} + name, next, {.before = drop(name)}, {.statuses = {400, 401, 422}});
        r.refuses(std::string{"a notice with null for "} + name, next, {.before = set(name, nullptr)}, {.statuses = {400, 401, 422}});
        r.refuses(std::string{"a notice with a number for "} + name, next, {.before = set(name, 12)}, {.statuses = {400, 401, 422}});
    }
    for (char const* name : {"rotated_at", "grace_expires_at"}) r.refuses(std::string{"a notice with a date alone for "} + name, next, {.before = set(name, s.at().substr(0, 10))}, {.statuses = {400, 401, 422}});
    for (char const* text : {"[]", "\"notice\"", "null", "{"}) s.refused(s.nobody().call("POST", r.path(), std::string{text}), std::string{"the body "} + text, {.statuses = {400, 401, 422}});
    r.then_rotates();
}

void revoked_keys(scenario& s) {
    rotating r{s};
    auto const lost = s.fresh_key();
    auto const victim = s.register_peer({.signing_key = lost});
    s.control(s.admin().del("/peers/" + victim.peer_id()), "the revocation of another peer");
    r.refuses("a notice with a revoked key for its new one", lost, {}, {.statuses = {403, 401}});
    r.then_rotates();
}

void ended_peers(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key();
    auto unknown = r.a.peer_id();
    for (std::size_t i = unknown.size() - 8; i < unknown.size(); ++i) unknown[i] = unknown[i] == '0' ? '1' : '0';
    s.refused(r.send(r.notice(next, {.before = set("peer_id", unknown)}), "/peers/" + unknown + "/rotate-key"), "a notice for an unknown peer", {.statuses = {404, 401}, .codes = {"unknown-peer"}});
    r.then_rotates();
    s.control(r.a.unpair({.signer = r.current}), "the unpairing");
    auto const late = s.fresh_key();
    s.refused(r.rotate(late), "a notice after the unpairing", {.statuses = {401, 403, 404}});
    s.refused(r.push(late), "a push signed with its new key", {.statuses = {401, 403, 404}});
}

void one_of_many(scenario& s) {
    rotating r{s};
    std::vector<key> nexts;
    std::vector<std::function<exchange()>> calls;
    for (int i = 0; i < 6; ++i) {
        nexts.push_back(s.fresh_key());
        calls.push_back([&r, n = r.notice(nexts.back())] { return r.send(n); });
    }
    auto const all = s.together(calls);
    auto const won = std::count_if(all.begin(), all.end(), [](exchange const& x) { return x.ok(); });
    s.expect(won == 1, "of six notices at once that one key has signed exactly one is accepted", std::to_string(won));
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].ok()) r.counts(nexts[i], "the key of the notice that was accepted");
        else s.refused(r.push(nexts[i]), "a push signed with the key of a notice that was not accepted", not_believed);
    }
    r.works(r.current, "the peer with its previous key, in the grace of the one notice");
}

/// What happens to a registration otherwise leaves its keys as they are.
/// Whatever a refused notice says, the next one is judged as if it had not come.
void refused_notices_leave_no_date(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key();
    auto const ahead = [&](int seconds_) { return notice_options{.rotated_at = s.in_seconds(seconds_)}; };
    auto unproven = ahead(200), elsewhere = ahead(220);
    unproven.proof = r.current;
    elsewhere.before = set("target_backend_id", s.fresh_backend_id(s.identity().backend_type));
    r.refuses("a notice dated ahead that the new key has not signed", next, unproven, {.statuses = {401}});
    r.refuses("a notice dated ahead for another backend", next, elsewhere, {.statuses = {403}});
    s.accepted(r.rotate(next), "a notice of now, after refused ones that were dated ahead,");
    r.current = next;
    r.counts(r.current, "the new key");
}

void renewals_leave_graces(scenario& s) {
    rotating r{s};
    auto const old = r.must_rotate(s.fresh_key());
    r.works(old, "the peer with the key before, in its grace");
    auto again = r.registered;
    again.signing_key = r.current;
    again.created = std::chrono::seconds{30};
    s.control(s.try_register(again), "the registration with a newer token");
    r.counts(old, "the key before in its grace, after the token was renewed");
    r.counts(r.current, "the new key, after the token was renewed");
    r.refuses("a notice dated before the last one, after the token was renewed,", s.fresh_key(), {.rotated_at = s.in_seconds(-120)}, {.statuses = {401}, .codes = {"stale-request"}});
    auto const named = [&](key const& by) {
        auto out = again;
        out.created += std::chrono::seconds{30};
        out.sbt = set(s.target_is_hosted() ? "local_key_sha256" : "hosted_key_sha256", to_hex(by->public_key().sha256()));
        return out;
    };
    s.refused(s.try_register(named(old)), "a registration whose token names the key before", {.statuses = {403}, .codes = {"wrong-audience"}});
    s.accepted(s.try_register(named(r.current)), "a registration whose token names the new key");
}

void used_stays_used(scenario& s) {
    rotating r{s};
    auto const c = s.fresh("c"), path = "/conversations/" + c + "/messages";
    json::object const body{{"id", "w1"}, {"role", "user"}, {"content", "once"}, {"surface", "web"}};
    auto const used = r.a.authorization("POST", path);
    s.control(r.a.post(path, body, {.authorization = used}), "a write of the peer");
    auto const again = [&](std::string const& when) {
        s.refused(r.a.post(path, {{"id", "w2"}, {"role", "user"}, {"content", "twice"}, {"surface", "web"}}, {.authorization = used}), "another write with its assertion " + when, {.statuses = {401}, .codes = {"stale-request"}});
    };
    again("at once");
    auto const old = r.must_rotate(s.fresh_key());
    r.works(old, "the peer with the key before, in its grace");
    again("after a rotation, in the grace of the key that signed it");
    auto renewed = r.registered;
    renewed.signing_key = r.current;
    renewed.created = std::chrono::seconds{30};
    s.control(s.try_register(renewed), "the registration with a newer token");
    again("after the token was renewed");
    s.expect(ids_at(s.user().read(c).body(), "/messages") == std::vector<std::string>{"w1"}, "the first write alone has taken effect", show(s.user().read(c).body()));
}

/// An unpairing is the end of everything that was known of the keys: it is another registration that follows.
void pairing_again_begins_anew(scenario& s) {
    rotating r{s};
    auto const original = r.current;
    r.must_rotate(s.fresh_key(), {.rotated_at = s.in_seconds(200)});
    s.control(r.a.unpair({.signer = r.current}), "the unpairing");
    auto again = r.registered;
    again.signing_key = original;
    again.created = std::chrono::seconds{30};
    rotating other{s, again};
    s.accepted(other.rotate(s.fresh_key()), "a notice of the registration that followed, whose rotated_at is before that of a notice for the one that was unpaired");
}

/// The last rotated_at belongs to the registration, and not to the key that it replaced or to its grace.
void date_outlasts_the_grace(scenario& s) {
    rotating r{s}, brief{s};
    exactly_as const stale{.statuses = {401}, .codes = {"stale-request"}};
    auto const moment = s.now() - seconds{30};  // a grace that ends then is over, whatever the target's clock shows
    auto const text = format_timestamp(moment);
    auto const end = s.now() + seconds{2};
    auto const first = brief.must_rotate(s.fresh_key(), {.rotated_at = text, .grace = format_timestamp(end)});
    auto const last = brief.notice(s.fresh_key(), {.rotated_at = format_timestamp(moment - seconds{1})});

    r.must_rotate(s.fresh_key(), {.rotated_at = text, .grace = text});
    r.works(r.current, "the peer with its new key");
    auto const judged = [&](std::string const& when) {
        r.refuses("a notice of the same moment as the last, " + when + ",", s.fresh_key(), {.rotated_at = text}, stale);
        r.refuses("a notice of an earlier moment than the last, " + when + ",", s.fresh_key(), {.rotated_at = format_timestamp(moment - seconds{50})}, stale);
    };
    judged("whose key before had no grace");
    auto again = r.registered;
    again.signing_key = r.current;
    again.created = seconds{30};
    s.control(s.try_register(again), "the registration with a newer token");
    judged("which came before the latest token");
    auto const next = s.fresh_key();
    s.accepted(r.rotate(next, {.rotated_at = format_timestamp(moment + seconds{1})}), "a notice a second later than the last");
    r.current = next;
    r.refuses("a notice of the same moment as the last but one", s.fresh_key(), {.rotated_at = text}, stale);

    (void)first_refusal(s, end, [&] { return brief.push(first); });
    brief.works(brief.current, "the peer with its new key");
    s.refused(brief.send(last), "a notice of an earlier moment than the last, when the grace that this one gave is over", stale);
    brief.works(brief.current, "the peer after that notice");
    brief.then_rotates();
}

/// A key that was given up may come back; the notice that gave it up may not.
void replays_of_a_key_that_came_back(scenario& s) {
    rotating r{s};
    auto const a = r.current, b = s.fresh_key();
    auto const text = s.in_seconds(-40), later = s.in_seconds(-20);
    auto const given_up = r.notice(b, {.rotated_at = text, .grace = text});
    s.control(r.send(given_up), "a notice without grace");
    r.current = b;
    r.works(b, "the peer with its new key");
    auto const back = r.rotate(a, {.rotated_at = later, .grace = later});
    if (!back.ok()) {
        s.refused(back, "a notice that brings a previous key back");
        s.not_applicable("the target takes no key back");
    }
    r.current = a;
    r.works(a, "the peer with the key that came back");
    for (int i = 0; i < 2; ++i) {
        s.refused(r.send(given_up), "the first notice again, after its key was given up and the one before came back", {.statuses = {401}, .codes = {"stale-request"}});
        s.refused(r.push(b), "a push signed with the key that was given up", not_believed);
        r.counts(a, "the key that came back");
    }
}

constexpr unsigned for_revocation = need::admin_token | need::hosted_target;

check const checks[] = {
    {.id = "rot/refused-date", .title = "a refused notice does not count as the last one", .clauses = {"BSP-ROT-001", "BSP-ROT-012", "BSP-ROT-017"}, .impact = "a mistake, or anybody's forgery, keeps a backend from changing its key",
     .likely_cause = "rotated_at is noted before the rest of the notice is looked at", .run = refused_notices_leave_no_date},
    {.id = "rot/notice", .title = "a notice that both keys have signed gives the peer the new key", .clauses = {"BSP-ROT-001", "BSP-ROT-030"}, .impact = "a backend cannot change its key and has to be paired anew",
     .likely_cause = "the key is changed in one of two places, or requests look into a cache", .run = notice_is_accepted},
    {.id = "rot/unknown-members", .title = "a notice may have members that the server does not know", .clauses = {"BSP-ROT-008"}, .impact = "a newer backend cannot rotate", .likely_cause = "the signed text is built from the known members", .run = unknown_members},
    {.id = "rot/current-key-signs", .title = "a notice that the current key has not signed is refused and changes nothing", .clauses = {"BSP-ROT-003", "BSP-ROT-017"}, .impact = "anybody takes any registration over",
     .likely_cause = "one of the two signatures is taken for enough", .run = current_key_signs},
    {.id = "rot/new-key-signs", .title = "a notice that the new key has not signed is refused and changes nothing", .clauses = {"BSP-ROT-006", "BSP-ROT-017"}, .impact = "a peer presents somebody else's key as its own, or locks itself out",
     .likely_cause = "the proof is not verified, or over other bytes", .run = new_key_signs},
    {.id = "rot/previous-key-signs", .title = "a previous key rotates nothing, not even in its grace", .clauses = {"BSP-ROT-005"}, .impact = "the thief of an old key takes the registration over", .likely_cause = "the notice is verified with every key that counts",
     .run = previous_key_does_not_rotate},
    {.id = "rot/altered", .title = "a notice that was changed after it was signed is refused", .clauses = {"BSP-ROT-007", "BSP-ROT-017"}, .impact = "whoever carries a notice makes it his own", .likely_cause = "some members are left out of the signed text",
     .run = members_are_signed},
    {.id = "rot/typ", .title = "a notice has its typ", .clauses = {"BSP-ROT-009"}, .impact = "what was signed for another purpose changes a key", .likely_cause = "typ is not looked at", .run = typ_is_checked},
    {.id = "rot/audience", .title = "a notice counts for the peer, the backend and the receiver that it names", .clauses = {"BSP-ROT-010"}, .impact = "a notice to one backend is played to another, or for another registration",
     .likely_cause = "the names in the notice are not compared with the registration", .run = audience_is_checked},
    {.id = "rot/fresh", .title = "a notice is refused when it is 300 s old or more, or of the future", .clauses = {"BSP-ROT-011"}, .impact = "a notice that was kept back takes effect when its holder likes", .likely_cause = "rotated_at is stored and not compared with the clock",
     .run = notice_is_fresh},
    {.id = "rot/replay", .title = "a notice counts once", .clauses = {"BSP-ROT-012", "BSP-ROT-017"}, .impact = "an old key is brought back by who recorded its notice", .likely_cause = "notices are not compared with the last one, and the keys in grace may sign",
     .run = replays_change_nothing},
    {.id = "rot/later", .title = "rotated_at is later than that of the last notice, as an instant", .clauses = {"BSP-ROT-012"}, .impact = "notices of one moment come into force in any order", .likely_cause = "not compared, compared as text, or cut to seconds",
     .run = rotated_at_increases},
    {.id = "rot/date-outlasts-grace", .title = "rotated_at is later than that of the last notice, whatever has become of the key before and of the token", .clauses = {"BSP-ROT-012"}, .impact = "an old notice brings back a key that was given up",
     .likely_cause = "the last rotated_at is kept with the previous key, and swept away with it", .run = date_outlasts_the_grace, .needs = need::patience},
    {.id = "rot/replay-of-returned", .title = "a notice counts once, also when the key that it replaced has come back", .clauses = {"BSP-ROT-012", "BSP-ROT-017"}, .impact = "whoever recorded a notice brings back the key that was given up",
     .likely_cause = "the last rotated_at is kept with the previous key, and swept away with it", .run = replays_of_a_key_that_came_back},
    {.id = "rot/weak-key", .title = "a notice with a key that is not acceptable is refused", .clauses = {"BSP-ROT-013"}, .impact = "a weak key comes in by rotation that registration would have refused", .likely_cause = "the new key is parsed by the library alone",
     .run = weak_keys},
    {.id = "rot/strong-key", .title = "the new key may be longer than the old one", .clauses = {"BSP-ROT-013"}, .impact = "nobody can move to longer keys", .likely_cause = "a fixed length of keys or signatures", .run = strong_keys},
    {.id = "rot/shape", .title = "a notice without one of its members is refused", .clauses = {"BSP-ROT-002"}, .impact = "a rotation without an end of its grace, or none at all", .likely_cause = "defaults for what is absent", .run = shape_is_checked},
    {.id = "rot/revoked-key", .title = "a revoked key does not come back by rotation", .clauses = {"BSP-ROT-015"}, .impact = "the thief of a key that was locked out brings it in again", .likely_cause = "revocations are asked for at registration only",
     .run = revoked_keys, .needs = for_revocation},
    {.id = "rot/ended-peer", .title = "who is not registered rotates nothing", .clauses = {"BSP-ROT-016", "BSP-ROT-061"}, .impact = "a removed device returns", .likely_cause = "ended registrations are found by their id", .run = ended_peers},
    {.id = "rot/renewal", .title = "a newer token leaves keys and graces as they are, and may name the new key", .clauses = {"BSP-ROT-031", "BSP-ROT-050", "BSP-SBT-032"}, .impact = "the daily renewal of a token ends the grace that a rotation gave",
     .likely_cause = "a renewed registration is written anew, with one key", .run = renewals_leave_graces},
    {.id = "rot/used-stays-used", .title = "neither a rotation nor a newer token lets an assertion be used again", .clauses = {"BSP-AUT-044", "BSP-ROT-050"}, .impact = "what was recorded before a rotation can be played again",
     .likely_cause = "used jtis are kept with the key or the token", .run = used_stays_used},
    {.id = "rot/paired-again", .title = "a registration after an unpairing knows nothing of the notices before", .clauses = {"BSP-ROT-012", "BSP-REG-047"}, .impact = "a backend that was paired again cannot rotate",
     .likely_cause = "the last rotated_at is kept by backend", .run = pairing_again_begins_anew},
    {.id = "rot/concurrent", .title = "of notices at once exactly one is accepted", .clauses = {"BSP-ROT-018"}, .impact = "nobody knows which key a backend has", .likely_cause = "the key is read and written in two steps", .run = one_of_many},
};

}  // namespace

group rotation_group() { return {"rotation", profile::sec, checks}; }

}  // namespace bsp::conformance
