/* vfork on 64-bit ARM, by clone: the return address is in x30, which each of the two processes
 * has for itself. */

    .text
    .globl  wf_fork_vfork
    .hidden wf_fork_vfork
    .type   wf_fork_vfork, %function
    .p2align 4
wf_fork_vfork:
    .cfi_startproc
    hint    #34                     /* bti c */
    mrs     x9, tpidr_el0
    adrp    x10, :gottprel:wf_seam_bypass
    ldr     x10, [x10, :gottprel_lo12:wf_seam_bypass]
    add     x9, x9, x10             /* &wf_seam_bypass; system calls keep x9 */
    ldr     w10, [x9]
    add     w10, w10, #0x10, lsl #12 /* WF_BYPASS_VFORK; in the child until the parent resumes */
    str     w10, [x9]
    mov     x0, #0x4111             /* CLONE_VM | CLONE_VFORK | SIGCHLD */
    mov     x1, #0
    mov     x8, #220                /* SYS_clone */
    svc     #0
    cbz     x0, 1f                  /* the child */
    ldr     w10, [x9]
    sub     w10, w10, #0x10, lsl #12
    str     w10, [x9]
    tbz     x0, #63, 1f
    b       wf_fork_vfork_failed
1:  ret
    .cfi_endproc
    .size   wf_fork_vfork, . - wf_fork_vfork

    .section .note.GNU-stack, "", %progbits
