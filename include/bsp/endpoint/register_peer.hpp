#pragma once

#include <bsp/crypto/signed_object.hpp>
#include <bsp/endpoint/caller/sbt_holder.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/register_peer.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// Registers a backend as a peer on behalf of the SBT's user (spec chapter 4.1 … 4.3). The same user,
/// backend and key again: the same `peer_id`, and what the newer SBT says.
struct register_peer {
    static constexpr route at{"POST", "/register-peer"};
    static constexpr auto refused = audit_type::peer_registration_rejected;
    using caller = sbt_holder;

    static result<http_response> serve(backend const& here, caller const& who, request const& r) {
        BSP_TRY(auto const asked, wire::decode_register_peer(who.body()));
        BSP_TRY(auto const key, rsa_public_key::from_pem(asked.identity.public_key));
        BSP_CHECK(check_sbt_parties(who.sbt(), here.self.backend_id, here.self.backend_type, asked.identity.backend_id, asked.identity.backend_type));
        BSP_CHECK(check_pins(here, *who.sbt(), asked.identity.backend_type, key));

        peer_record const candidate = candidate_of(here, *who.sbt(), asked, key, r.now);
        BSP_TRY(std::string const peer_id, who.write([&](store_writer& w) { return join(w, candidate); }));
        return answer(here, *who.sbt(), asked, peer_id);
    }

private:
    /// The fingerprints that the SBT states, if any (BSP-SBT-032, BSP-SBT-033).
    static result<> check_pins(backend const& here, session_binding_token const& sbt, std::string_view peer_type, rsa_public_key const& key) {
        auto const& theirs = sbt.key_sha256(peer_type);
        auto const& ours = sbt.key_sha256(here.self.backend_type);
        if (theirs && *theirs != to_hex(key.sha256())) return fail(errc::wrong_audience, "the token binds another key of the registering backend");
        if (ours && *ours != to_hex(here.key.public_key().sha256())) return fail(errc::wrong_audience, "the token binds another key of this backend");
        return ok();
    }

    /// The record as it will be stored if this backend is new to the user.
    static peer_record candidate_of(backend const& here, session_binding_token const& sbt, wire::register_peer_request const& asked, rsa_public_key const& key, instant now) {
        json::object stored_sbt = sbt.received;
        stored_sbt.erase("signature");  // never shown again, so never kept
        peer_record p;
        p.peer_id = "peer_" + here.random_hex(16);
        p.user_id = sbt.user_id;
        p.backend_id = asked.identity.backend_id;
        p.backend_type = asked.identity.backend_type;
        p.public_key_pem = key.pem();
        p.key_sha256 = key.sha256();
        p.capabilities = asked.identity.capabilities;
        p.sbt = json::serialize(stored_sbt);
        p.sbt_created_at = sbt.created_at;
        p.sbt_expires_at = sbt.expires_at;
        p.registered_at = now;
        if (asked.endpoints) p.endpoints = peer_endpoints{asked.endpoints->peer_id, asked.endpoints->sync_endpoint, asked.endpoints->telemetry_endpoint};
        return p;
    }

    /// Stores `candidate`, or what it adds to the registration that exists. Gives the peer_id that stands.
    static result<std::string> join(store_writer& w, peer_record const& candidate) {
        BSP_TRY(bool const revoked, w.is_revoked(candidate.backend_id, candidate.key_sha256));
        if (revoked) return fail(errc::peer_revoked, "this backend or its key has been revoked");
        BSP_TRY(auto const floor, w.sbt_floor(candidate.user_id, candidate.backend_id));
        if (floor && candidate.sbt_created_at <= *floor) return fail(errc::invalid_sbt, "the token is not newer than the end of the last pairing");

        BSP_TRY(auto existing, w.registration(candidate.user_id, candidate.backend_id));
        if (!existing) {
            BSP_CHECK(w.put_peer(candidate));
            BSP_CHECK(w.append_audit(registered(candidate, candidate.registered_at)));
            return candidate.peer_id;
        }
        if (existing->key_sha256 != candidate.key_sha256) return fail(errc::key_mismatch, "this backend is registered with another key");
        if (candidate.sbt_created_at < existing->sbt_created_at) return existing->peer_id;  // BSP-REG-026
        if (candidate.sbt_created_at > existing->sbt_created_at) {
            existing->sbt = candidate.sbt;
            existing->sbt_created_at = candidate.sbt_created_at;
            existing->sbt_expires_at = candidate.sbt_expires_at;
            auto renewed = registered(*existing, candidate.registered_at);
            renewed.counts = {{"renewed", 1}};
            BSP_CHECK(w.append_audit(renewed));
        }
        existing->capabilities = candidate.capabilities;
        if (candidate.endpoints) existing->endpoints = candidate.endpoints;
        BSP_CHECK(w.put_peer(*existing));
        return existing->peer_id;
    }

    static audit_event registered(peer_record const& p, instant now) {
        return {.type = audit_type::peer_registered, .at = now, .user_id = p.user_id, .peer_id = p.peer_id, .backend_id = p.backend_id};
    }

    static result<http_response> answer(backend const& here, session_binding_token const& sbt, wire::register_peer_request const& asked, std::string const& peer_id) {
        // Only configuration makes URLs, never a header of the request.
        std::string const& base = here.config.base_url;
        wire::register_peer_response response{
            .peer_id = peer_id,
            .sync_endpoint = base + "/sync/" + peer_id,
            .telemetry_endpoint = (base.starts_with("http") ? "ws" + base.substr(4) : base) + "/telemetry/" + peer_id,
            .sync_interval_ms = here.config.sync_interval_ms,
            .challenge_signature = std::nullopt,
            .sbt_id = std::nullopt,
        };
        if (asked.challenge) {
            BSP_TRY(response.challenge_signature, sign_object(wire::challenge_object(*asked.challenge, here.self.backend_id, peer_id), here.key));
        }
        if (auto const* sbt_id = json::find_string(sbt.received, "sbt_id"); sbt_id && is_identifier(json::view(*sbt_id))) response.sbt_id = std::string{json::view(*sbt_id)};
        return respond(wire::encode(response));
    }
};

}  // namespace bsp::endpoint
