// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// The functions of OpenSSL 3 that TLS takes, looked up when the first encrypted connection is made: programs without one need no
/// OpenSSL.
struct OpenSSL: Sendable {
    typealias Pointer = OpaquePointer
    typealias Text = UnsafePointer<CChar>
    typealias Passphrase = @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32

    let clientMethod: @convention(c) () -> Pointer?
    let newContext: @convention(c) (Pointer?) -> Pointer?
    let freeContext: @convention(c) (Pointer?) -> Void
    let controlContext: @convention(c) (Pointer?, Int32, Int, UnsafeMutableRawPointer?) -> Int
    let setVerify: @convention(c) (Pointer?, Int32, UnsafeRawPointer?) -> Void
    let loadAuthorities: @convention(c) (Pointer?, Text?, Text?) -> Int32
    let loadSystemAuthorities: @convention(c) (Pointer?) -> Int32
    let useCertificates: @convention(c) (Pointer?, Text?) -> Int32
    let useKey: @convention(c) (Pointer?, Text?, Int32) -> Int32
    let setPassphrase: @convention(c) (Pointer?, Passphrase?) -> Void
    let checkKey: @convention(c) (Pointer?) -> Int32
    let newSession: @convention(c) (Pointer?) -> Pointer?
    let freeSession: @convention(c) (Pointer?) -> Void
    let controlSession: @convention(c) (Pointer?, Int32, Int, UnsafeMutableRawPointer?) -> Int
    let setHost: @convention(c) (Pointer?, Text?) -> Int32
    let parameters: @convention(c) (Pointer?) -> Pointer?
    let setAddress: @convention(c) (Pointer?, Text?) -> Int32
    let setBuffers: @convention(c) (Pointer?, Pointer?, Pointer?) -> Void
    let setConnecting: @convention(c) (Pointer?) -> Void
    let handshake: @convention(c) (Pointer?) -> Int32
    let read: @convention(c) (Pointer?, UnsafeMutableRawPointer?, Int32) -> Int32
    let write: @convention(c) (Pointer?, UnsafeRawPointer?, Int32) -> Int32
    let errorKind: @convention(c) (Pointer?, Int32) -> Int32
    let verifyResult: @convention(c) (Pointer?) -> Int
    let verifyText: @convention(c) (Int) -> Text?
    let memoryMethod: @convention(c) () -> Pointer?
    let newBuffer: @convention(c) (Pointer?) -> Pointer?
    let freeBuffer: @convention(c) (Pointer?) -> Int32
    let readBuffer: @convention(c) (Pointer?, UnsafeMutableRawPointer?, Int32) -> Int32
    let writeBuffer: @convention(c) (Pointer?, UnsafeRawPointer?, Int32) -> Int32
    let pending: @convention(c) (Pointer?) -> Int
    let nextError: @convention(c) () -> UInt
    let errorReason: @convention(c) (UInt) -> Text?
    let clearErrors: @convention(c) () -> Void

    /// The library, or what it lacks.
    static func load() throws(VecStoreError) -> OpenSSL {
        switch loaded {
        case .success(let library): return library
        case .failure(let error): throw error
        }
    }

    private static let loaded: Result<OpenSSL, VecStoreError> = {
        do throws(VecStoreError) { return .success(try OpenSSL()) } catch { return .failure(error) }
    }()

    private init() throws(VecStoreError) {
        // Symbols of libcrypto are found through it too. It stays loaded: OpenSSL cleans up when the process ends.
        guard let library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL) else {
            throw VecStoreError(.unsupported, "rediss:// needs OpenSSL 3, and libssl.so.3 cannot be loaded: install libssl3")
        }
        func symbol<F>(_ name: String) throws(VecStoreError) -> F {
            guard let address = dlsym(library, name) else {
                throw VecStoreError(.unsupported, "rediss:// needs OpenSSL 3, and this libssl.so.3 has no \(name)")
            }
            return unsafeBitCast(address, to: F.self)
        }
        clientMethod = try symbol("TLS_client_method")
        newContext = try symbol("SSL_CTX_new")
        freeContext = try symbol("SSL_CTX_free")
        controlContext = try symbol("SSL_CTX_ctrl")
        setVerify = try symbol("SSL_CTX_set_verify")
        loadAuthorities = try symbol("SSL_CTX_load_verify_locations")
        loadSystemAuthorities = try symbol("SSL_CTX_set_default_verify_paths")
        useCertificates = try symbol("SSL_CTX_use_certificate_chain_file")
        useKey = try symbol("SSL_CTX_use_PrivateKey_file")
        setPassphrase = try symbol("SSL_CTX_set_default_passwd_cb")
        checkKey = try symbol("SSL_CTX_check_private_key")
        newSession = try symbol("SSL_new")
        freeSession = try symbol("SSL_free")
        controlSession = try symbol("SSL_ctrl")
        setHost = try symbol("SSL_set1_host")
        parameters = try symbol("SSL_get0_param")
        setAddress = try symbol("X509_VERIFY_PARAM_set1_ip_asc")
        setBuffers = try symbol("SSL_set_bio")
        setConnecting = try symbol("SSL_set_connect_state")
        handshake = try symbol("SSL_do_handshake")
        read = try symbol("SSL_read")
        write = try symbol("SSL_write")
        errorKind = try symbol("SSL_get_error")
        verifyResult = try symbol("SSL_get_verify_result")
        verifyText = try symbol("X509_verify_cert_error_string")
        memoryMethod = try symbol("BIO_s_mem")
        newBuffer = try symbol("BIO_new")
        freeBuffer = try symbol("BIO_free")
        readBuffer = try symbol("BIO_read")
        writeBuffer = try symbol("BIO_write")
        pending = try symbol("BIO_ctrl_pending")
        nextError = try symbol("ERR_get_error")
        errorReason = try symbol("ERR_reason_error_string")
        clearErrors = try symbol("ERR_clear_error")
    }

    /// Why the last call on this thread failed, in OpenSSL's words.
    var reason: String {
        var text: String?
        while case let code = nextError(), code != 0 {
            if text == nil { text = errorReason(code).map { String(cString: $0) } }
        }
        return text ?? "no reason was given"
    }

    // From the headers of OpenSSL, which has them as macros.
    static let verifyNone: Int32 = 0
    static let verifyPeer: Int32 = 1
    static let pemFile: Int32 = 1
    static let setMinimumVersion: Int32 = 123
    static let tls12 = 0x0303
    static let setServerName: Int32 = 55
    static let wantsRead: Int32 = 2
    static let wantsWrite: Int32 = 3
    static let hasEnded: Int32 = 6
}
